#pragma once

#include <cstddef>
#include <string>

namespace leadscoring {

// The number of ':' outside of JSON strings. Accepts any bytes; the result is meaningful for JSON only.
size_t count_colons(const char* text, size_t size);
size_t count_colons_plain(const char* text, size_t size);

// Replaces constants that JSON lacks, outside of strings: NaN by null, and infinities by numbers that are infinite as
// float32.
std::string plain_json(const char* text, size_t size);

}  // namespace leadscoring
