#pragma once

#include <cstddef>
#include <string>

namespace leadscoring {

// The number of ':' outside of JSON strings. Any bytes will do; what is no JSON gets some number.
size_t count_colons(const char* text, size_t size);
size_t count_colons_plain(const char* text, size_t size);

// The text with NaN, Infinity and -Infinity outside of strings replaced by null.
std::string nan_to_null(const char* text, size_t size);

}  // namespace leadscoring
