#include "scan.hpp"

#include <cstdint>
#include <cstring>

#include "blocks.hpp"

namespace leadscoring {

size_t count_colons_plain(const char* text, size_t size) {
    size_t colons = 0;
    bool inside = false;
    for (size_t i = 0; i < size; ++i) {
        if (inside && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            inside = !inside;
        } else if (!inside && text[i] == ':') {
            ++colons;
        }
    }
    return colons;
}

#if defined(LEADSCORING_BLOCKS)
// 64 bytes at a time: a bit per byte for quotes and colons, and strings are where the parity of quotes is
// odd. A backslash (rare) hands the rest over to the plain loop, from the start of its block.
size_t count_colons(const char* text, size_t size) {
    size_t colons = 0, i = 0;
    uint64_t inside = 0;  // all ones inside of a string
    for (; i + 64 <= size; i += 64) {
        const Block block(text + i);
        if (block.where('\\')) break;
        const uint64_t strings = parity(block.where('"')) ^ inside;
        colons += size_t(__builtin_popcountll(block.where(':') & ~strings));
        inside = uint64_t(int64_t(strings) >> 63);
    }
    bool within = inside != 0;
    for (; i < size; ++i) {
        if (within && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            within = !within;
        } else if (!within && text[i] == ':') {
            ++colons;
        }
    }
    return colons;
}
#else
size_t count_colons(const char* text, size_t size) { return count_colons_plain(text, size); }
#endif

std::string nan_to_null(const char* text, size_t size) {
    std::string result;
    result.reserve(size + size / 8);
    bool inside = false;
    const auto follows = [&](size_t i, const char* word) {
        const size_t length = std::strlen(word);
        return size - i >= length && std::memcmp(text + i, word, length) == 0;
    };
    for (size_t i = 0; i < size; ++i) {
        if (inside && text[i] == '\\' && i + 1 < size) {
            result += text[i++];
        } else if (text[i] == '"') {
            inside = !inside;
        } else if (!inside && (text[i] == 'N' || text[i] == 'I' || text[i] == '-')) {
            const char* word = follows(i, "NaN") ? "NaN" : follows(i, "Infinity") ? "Infinity" : "-Infinity";
            if (follows(i, word)) {
                result += "null";
                i += std::strlen(word) - 1;
                continue;
            }
        }
        result += text[i];
    }
    return result;
}

}  // namespace leadscoring
