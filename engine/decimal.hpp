#pragma once

#include <cstddef>
#include <cstdint>

namespace leadscoring {

// The most bytes of a decimal.
constexpr size_t kLongestDecimal = 25;

// Writes the shortest decimal that reads as this double, in the notation of Polars: 1.0, 0.00001, 1e-6, 1e+16, NaN, inf.
// Returns its end.
char* write_decimal(double value, char* out);

// The same without the conversion of the C++ library, which not every platform has; slow.
char* write_decimal_plain(double value, char* out);

// All whole numbers up to this are doubles, and these powers of ten are: dividing one by the other gives the nearest.
constexpr uint64_t kWholeDoubles = 1ull << 53;
constexpr int kPowers = 22;
inline constexpr double kPower[kPowers + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int kDigits = 18;  // any number of so many digits fits into 64 bits

// Reads a plain decimal such as -12.5 or 1e-6: a minus, digits, of which some may follow a dot, and an exponent. Returns
// whether the text is one, is finite, and could be read to the nearest double on this platform.
bool read_decimal(const char* begin, const char* end, double& value);

}  // namespace leadscoring
