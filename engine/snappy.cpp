// Compresses bytes in Snappy's format: https://github.com/google/snappy/blob/main/format_description.txt

#include "snappy.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace leadscoring {

namespace {

constexpr size_t kBlock = 1 << 16;     // copies reach back within a block, by at most so many bytes
constexpr unsigned kTableBits = 14;
constexpr size_t kShortest = 15;       // blocks that are not longer are not searched
constexpr size_t kLongestCopy = 64;
constexpr size_t kMargin = 8;          // bytes that may be read at once
constexpr unsigned kSlow = 5;          // after so many misses (a power of two) every other byte is looked at, and so on

uint32_t four(const char* at) {
    uint32_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

uint64_t eight(const char* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

// The bytes from `at` on that are those from `from` on.
size_t common(const char* at, const char* from, const char* end) {
    const char* const begin = at;
    while (end - at >= 8) {
        const uint64_t differ = eight(at) ^ eight(from);
        if (differ != 0) return size_t(at - begin) + size_t(__builtin_ctzll(differ) / 8);
        at += 8;
        from += 8;
    }
    while (at < end && *at == *from) ++at, ++from;
    return size_t(at - begin);
}

class Compressor {
  public:
    explicit Compressor(char* out) : out_(out) {}

    void block(const char* begin, size_t size, bool searched) {
        const char *literal = begin, *const end = begin + size;
        if (searched && size > kShortest) {
            std::fill(table_, table_ + (1u << kTableBits), uint16_t(0));
            literal = search(begin, end);
        }
        if (literal < end) write(literal, size_t(end - literal));
    }

    char* end() const { return out_; }

  private:
    // Writes everything up to the last repetition, and returns where that ends.
    const char* search(const char* begin, const char* end) {
        const char *literal = begin, *const last = end - kMargin;
        uint32_t misses = 1u << kSlow;
        for (const char* at = begin + 1; at < last;) {
            uint16_t& slot = table_[(four(at) * 0x1e35a7bdu) >> (32 - kTableBits)];
            const char* from = begin + slot;
            slot = uint16_t(at - begin);
            if (four(from) != four(at)) {
                at += misses++ >> kSlow;
                continue;
            }
            misses = 1u << kSlow;
            if (literal < at) write(literal, size_t(at - literal));
            const size_t length = 4 + common(at + 4, from + 4, end);
            copy(size_t(at - from), length);
            literal = at += length;
        }
        return literal;
    }

    void write(const char* begin, size_t size) {
        const uint32_t shown = uint32_t(size - 1);
        if (shown < 60) {
            put(uint8_t(shown << 2));
        } else {
            const unsigned bytes = shown < (1u << 8) ? 1 : 2;  // a block is no longer
            put(uint8_t((59 + bytes) << 2));
            for (unsigned i = 0; i < bytes; ++i) put(uint8_t(shown >> (8 * i)));
        }
        std::memcpy(out_, begin, size);
        out_ += size;
    }

    void copy(size_t offset, size_t length) {
        for (; length > kLongestCopy + 3; length -= kLongestCopy) copy_once(offset, kLongestCopy);
        if (length > kLongestCopy) {  // no copy is shorter than four bytes
            copy_once(offset, kLongestCopy - 4);
            length -= kLongestCopy - 4;
        }
        copy_once(offset, length);
    }

    void copy_once(size_t offset, size_t length) {
        put(uint8_t((length - 1) << 2 | 2));
        put(uint8_t(offset));
        put(uint8_t(offset >> 8));
    }

    void put(uint8_t byte) { *out_++ = char(byte); }

    char* out_;
    uint16_t table_[1u << kTableBits];
};

}  // namespace

void append_snappy(const char* begin, size_t size, size_t searched, std::string& to) {
    const size_t before = to.size();
    to.resize(before + 5 + size + size / 6 + 32);
    char* out = to.data() + before;
    size_t left = size;
    for (; left >= 0x80; left >>= 7) *out++ = char((left & 0x7f) | 0x80);
    *out++ = char(left);
    Compressor compressor(out);
    for (size_t at = 0; at < size;) {
        const bool is_searched = at < searched;
        const size_t length = std::min(kBlock, (is_searched ? searched : size) - at);
        compressor.block(begin + at, length, is_searched);
        at += length;
    }
    to.resize(size_t(compressor.end() - to.data()));
}

}  // namespace leadscoring
