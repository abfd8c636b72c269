#pragma once

#include <cstddef>
#include <string>

namespace leadscoring {

// Appends bytes in Snappy's raw format, which every reader of Parquet has; fewer than 2^32 bytes. Those after the first
// `searched` are not looked through for repetitions.
void append_snappy(const char* begin, size_t size, size_t searched, std::string& to);

}  // namespace leadscoring
