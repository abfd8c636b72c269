#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace leadscoring {

// How Parquet writes whole numbers of some bits: long runs as such, others packed.

constexpr size_t kRun = 32;  // levels that are the same are packed if they are fewer

inline void put_varint(std::string& to, uint64_t value) {
    for (; value >= 0x80; value >>= 7) to += char((value & 0x7f) | 0x80);
    to += char(value);
}

template <class T>
void put(std::string& to, T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    to.append(bytes, sizeof value);
}

inline void put_text(std::string& to, std::string_view text) {
    put(to, uint32_t(text.size()));
    to.append(text);
}

inline unsigned bits_of(uint32_t largest) {
    unsigned bits = 1;
    while (bits < 32 && largest >> bits) ++bits;
    return bits;
}

// Appends whole numbers of so many bits, packed; `size` is their number, and 0 stands for those that fill the last eight.
template <class T>
void put_packed(std::string& to, const T* values, size_t size, unsigned bits) {
    const size_t bytes = (size + 7) / 8 * bits, before = to.size();
    put_varint(to, uint64_t((size + 7) / 8) << 1 | 1);
    const size_t first = to.size();
    to.reserve(before + bytes + 32);
    to.resize(first + bytes + 8);
    char* out = to.data() + first;
    uint64_t held = 0;
    unsigned count = 0;
    for (size_t i = 0; i < size; ++i) {
        held |= uint64_t(values[i]) << count;
        count += bits;
        if (count < 32) continue;
        std::memcpy(out, &held, 4);
        out += 4;
        held >>= 32;
        count -= 32;
    }
    std::memcpy(out, &held, 8);
    to.resize(first + bytes);
}

inline void put_run(std::string& to, uint32_t value, size_t size, unsigned bits) {
    put_varint(to, uint64_t(size) << 1);
    for (unsigned at = 0; at < bits; at += 8) to += char(value >> at);
}

// Appends whole numbers as one run if all are the same, else packed.
inline void put_values(std::string& to, const uint32_t* values, size_t size, unsigned bits) {
    if (size == 0) return;
    if (std::equal(values + 1, values + size, values)) put_run(to, values[0], size, bits);
    else put_packed(to, values, size, bits);
}

// Appends levels, most of which are the same: long runs as such, what is between them packed.
inline void put_levels(std::string& to, const std::vector<uint8_t>& levels, unsigned bits) {
    const size_t before = to.size(), size = levels.size();
    put(to, uint32_t(0));
    size_t packed = 0, at = 0;  // those from `packed` on are to be packed, a multiple of eight
    while (at < size) {
        size_t end = at + 1;
        while (end < size && levels[end] == levels[at]) ++end;
        if (end - at < kRun && end < size) {
            at = std::min(at + 8, size);
            continue;
        }
        if (packed < at) put_packed(to, levels.data() + packed, at - packed, bits);
        put_run(to, levels[at], end - at, bits);
        packed = at = end;
    }
    if (packed < size) put_packed(to, levels.data() + packed, size - packed, bits);
    const uint32_t bytes = uint32_t(to.size() - before - sizeof(uint32_t));
    std::memcpy(to.data() + before, &bytes, sizeof bytes);
}

}  // namespace leadscoring
