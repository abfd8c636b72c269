#pragma once

#include <cstddef>
#include <string>

namespace leadscoring {

// Appends bytes in Snappy's raw format, which every reader of Parquet has; fewer than 2^32 bytes.
void append_snappy(const char* begin, size_t size, std::string& to);

}  // namespace leadscoring
