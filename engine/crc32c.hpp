#pragma once

#include <cstddef>
#include <cstdint>

namespace leadscoring {

// The checksum CRC-32C (Castagnoli) of some bytes; with the instruction of the machine where it has one.
// `before` is that of what comes before them.
uint32_t crc32c(const void* bytes, size_t size, uint32_t before = 0);

// The same from a table, on every machine.
uint32_t crc32c_plain(const void* bytes, size_t size, uint32_t before = 0);

}  // namespace leadscoring
