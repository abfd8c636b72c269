#include "scan.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <utility>

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
// 64 bytes at a time: a bit per byte for quotes and colons; bytes with an odd number of quotes before them are
// inside a string. From a block with a backslash (rare) on, the plain loop takes over.
size_t count_colons(const char* text, size_t size) {
    size_t colons = 0, i = 0;
    uint64_t inside = 0;  // all ones inside a string
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

std::string plain_json(const char* text, size_t size) {
    // The first match applies. 1e39 is infinite as a float32, and every JSON parser accepts it.
    constexpr std::pair<const char*, const char*> kWords[] = {
        {"NaN", "null"}, {"Infinity", "1e39"}, {"-Infinity", "-1e39"}, {"inf", "1e39"}, {"-inf", "-1e39"}, {"nan", "null"}};
    std::string result;
    result.reserve(size + size / 8);
    bool inside = false;
    for (size_t i = 0; i < size; ++i) {
        if (inside && text[i] == '\\' && i + 1 < size) {
            result += text[i++];
        } else if (text[i] == '"') {
            inside = !inside;
        } else if (!inside) {
            const auto found = std::find_if(std::begin(kWords), std::end(kWords), [&](const auto& word) {
                const size_t length = std::strlen(word.first);
                return text[i] == word.first[0] && size - i >= length && std::memcmp(text + i, word.first, length) == 0;
            });
            if (found != std::end(kWords)) {
                result += found->second;
                i += std::strlen(found->first) - 1;
                continue;
            }
        }
        result += text[i];
    }
    return result;
}

}  // namespace leadscoring
