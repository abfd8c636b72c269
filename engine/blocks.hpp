#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#define LEADSCORING_BLOCKS 1

namespace leadscoring {

// 64 bytes of a text, searchable for a character: bit i of a result is byte i.
struct Block {
    __m128i bytes[4];
    explicit Block(const char* text) {
        for (int i = 0; i < 4; ++i) bytes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + 16 * i));
    }
    uint64_t where(char c) const {
        const __m128i wanted = _mm_set1_epi8(c);
        uint64_t bits = 0;
        for (int i = 0; i < 4; ++i)
            bits |= uint64_t(uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], wanted)))) << (16 * i);
        return bits;
    }
    // Positions of c, or of c with bit 0x20 set, such as [ and {.
    uint64_t where_either(char c) const {
        const __m128i wanted = _mm_set1_epi8(char(c | 0x20)), bit = _mm_set1_epi8(0x20);
        uint64_t bits = 0;
        for (int i = 0; i < 4; ++i)
            bits |= uint64_t(uint32_t(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_or_si128(bytes[i], bit), wanted)))) << (16 * i);
        return bits;
    }
};

// Bit i of the result is the parity of the bits 0 to i.
inline uint64_t parity(uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
    return bits;
}

}  // namespace leadscoring
#endif
