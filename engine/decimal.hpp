#pragma once

#include <cstddef>

namespace leadscoring {

// The most bytes of a decimal.
constexpr size_t kLongestDecimal = 25;

// Writes the shortest decimal that reads as this double, in the notation of Polars: 1.0, 0.00001, 1e-6, 1e+16, NaN, inf.
// Returns its end.
char* write_decimal(double value, char* out);

// The same without the conversion of the C++ library, which not every platform has; slow.
char* write_decimal_plain(double value, char* out);

// Reads a plain decimal such as -12.5 or 1e-6: a minus, digits, of which some may follow a dot, and an exponent. Returns
// whether the text is one, is finite, and could be read to the nearest double on this platform.
bool read_decimal(const char* begin, const char* end, double& value);

}  // namespace leadscoring
