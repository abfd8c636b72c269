#pragma once

#include <cstddef>
#include <string>

namespace leadscoring {

// The number of ':' outside of JSON strings. Any bytes will do; what is no JSON gets some number.
size_t count_colons(const char* text, size_t size);
size_t count_colons_plain(const char* text, size_t size);

// The text with what JSON cannot say, outside of strings, in its own words: NaN becomes null, and the infinities numbers
// that are infinite as float32.
std::string plain_json(const char* text, size_t size);

}  // namespace leadscoring
