#include "crc32c.hpp"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace leadscoring {

namespace {

using Table = std::array<std::array<uint32_t, 256>, 8>;

// tables[0] advances the checksum by one byte; tables[n] by n further zero bytes, so that 8 bytes take one step.
constexpr Table make_tables() {
    Table tables{};
    for (uint32_t byte = 0; byte < 256; ++byte) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ (value & 1 ? 0x82f63b78u : 0);
        tables[0][byte] = value;
    }
    for (size_t n = 1; n < 8; ++n)
        for (size_t byte = 0; byte < 256; ++byte)
            tables[n][byte] = (tables[n - 1][byte] >> 8) ^ tables[0][tables[n - 1][byte] & 0xff];
    return tables;
}

constexpr Table kTables = make_tables();

uint64_t eight(const unsigned char* bytes) {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc32c_machine(const unsigned char* bytes, size_t size, uint32_t before) {
    uint64_t crc = uint32_t(~before);
    for (; size >= 8; size -= 8, bytes += 8) crc = _mm_crc32_u64(crc, eight(bytes));
    uint32_t rest = uint32_t(crc);
    for (; size > 0; --size, ++bytes) rest = _mm_crc32_u8(rest, *bytes);
    return ~rest;
}

bool has_instruction() {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 20));
}
#elif defined(__ARM_FEATURE_CRC32)
uint32_t crc32c_machine(const unsigned char* bytes, size_t size, uint32_t before) {
    uint32_t crc = ~before;
    for (; size >= 8; size -= 8, bytes += 8) crc = __crc32cd(crc, eight(bytes));
    for (; size > 0; --size, ++bytes) crc = __crc32cb(crc, *bytes);
    return ~crc;
}

bool has_instruction() { return true; }
#else
uint32_t crc32c_machine(const unsigned char* bytes, size_t size, uint32_t before) {
    return crc32c_plain(bytes, size, before);
}

bool has_instruction() { return false; }
#endif

const bool kHasInstruction = has_instruction();

}  // namespace

uint32_t crc32c_plain(const void* given, size_t size, uint32_t before) {
    const auto* bytes = static_cast<const unsigned char*>(given);
    uint32_t crc = ~before;
    for (; size >= 8; size -= 8, bytes += 8) {
        const uint64_t word = eight(bytes) ^ crc;
        crc = 0;
        for (size_t n = 0; n < 8; ++n) crc ^= kTables[7 - n][(word >> (8 * n)) & 0xff];
    }
    for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ *bytes) & 0xff];
    return ~crc;
}

uint32_t crc32c(const void* bytes, size_t size, uint32_t before) {
    if (!kHasInstruction) return crc32c_plain(bytes, size, before);
    return crc32c_machine(static_cast<const unsigned char*>(bytes), size, before);
}

}  // namespace leadscoring
