#include "decimal.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Older C++ libraries of LLVM, and that of older versions of macOS, convert whole numbers only.
#if !defined(_LIBCPP_VERSION) || (!defined(__APPLE__) && _LIBCPP_VERSION >= 200000)
#define LEADSCORING_CONVERTS 1
#endif

namespace leadscoring {

namespace {

constexpr uint64_t kSafe = 1'000'000'000'000'000;  // decimals of 15 digits are all different doubles

constexpr double kRounded = 1e-15;               // more than what two roundings change of a number

// The digits of a positive number, without zeros at the end, and the power of ten by which 0.DIGITS is multiplied.
struct Digits {
    char text[20];
    int count = 0, power = 0;
};

char* copied(char* out, const char* from, int count) {
    std::memcpy(out, from, size_t(count));
    return out + count;
}

char* zeros(char* out, int count) {
    for (; count > 0; --count) *out++ = '0';
    return out;
}

char* write_whole(uint64_t value, char* out) { return std::to_chars(out, out + 20, value).ptr; }

char* write_digits(const Digits& digits, char* out) {
    const int count = digits.count, power = digits.power;
    if (power > 16 || power < -4) {
        *out++ = digits.text[0];
        if (count > 1) {
            *out++ = '.';
            out = copied(out, digits.text + 1, count - 1);
        }
        *out++ = 'e';
        *out++ = power > 0 ? '+' : '-';
        return write_whole(uint64_t(std::abs(power - 1)), out);
    }
    if (power <= 0) {
        out = zeros(copied(out, "0.", 2), -power);
        return copied(out, digits.text, count);
    }
    if (count <= power) {
        out = zeros(copied(out, digits.text, count), power - count);
        return copied(out, ".0", 2);
    }
    out = copied(out, digits.text, power);
    *out++ = '.';
    return copied(out, digits.text + power, count - power);
}

// Takes the digits of a text such as 1.25e-07, whatever its sign between whole and fraction.
Digits digits_of(const char* text, const char* end) {
    Digits found;
    const char* at = text;
    for (; at < end && *at != 'e'; ++at)
        if (*at >= '0' && *at <= '9') found.text[found.count++] = *at;
    ++at;
    if (at < end && *at == '+') ++at;
    int exponent = 0;
    std::from_chars(at, end, exponent);
    while (found.count > 1 && found.text[found.count - 1] == '0') --found.count;
    found.power = exponent + 1;
    return found;
}

// Writes numbers with at most three decimals, which most cells of a file are; returns null for others.
char* write_short(double value, char* out) {
    if (!(value < 1e12)) return nullptr;
    const double scaled = value * 1000.0;
    const uint64_t thousandths = uint64_t(scaled + 0.5);
    if (std::fabs(scaled - double(thousandths)) > scaled * kRounded) return nullptr;  // sooner than by the division
    if (thousandths >= kSafe || double(thousandths) / 1000.0 != value) return nullptr;
    out = write_whole(thousandths / 1000, out);
    const unsigned rest = unsigned(thousandths % 1000);
    *out++ = '.';
    *out++ = char('0' + rest / 100);
    if (rest % 100) *out++ = char('0' + rest / 10 % 10);
    if (rest % 10) *out++ = char('0' + rest % 10);
    return out;
}

// Writes numbers that are not very small or large as the C++ library does, which takes the notation of Polars for these but
// for whole ones; returns null for others.
char* write_usual(double value, char* out) {
#ifdef LEADSCORING_CONVERTS
    if (!(value >= 1e-5 && value < 1e12) || value == std::floor(value)) return nullptr;
    return std::to_chars(out, out + kLongestDecimal, value, std::chars_format::fixed).ptr;
#else
    return nullptr;
#endif
}

// Whether a text reads as a number, as it is or with its last digit one higher: of a power of two, the nearest decimal may
// be too low where the next one is right.
bool reads_as(double value, char* text) {
    if (std::strtod(text, nullptr) == value) return true;
    char& last = *(std::strchr(text, 'e') - 1);
    if (last == '9') return false;
    ++last;
    return std::strtod(text, nullptr) == value;
}

// The digits of a positive number by C's own conversion, with as many as it takes.
Digits plain_digits(double value) {
    char text[64];
    int size = 0;
    for (int precision = 0; precision < 17; ++precision) {
        size = std::snprintf(text, sizeof text, "%.*e", precision, value);
        if (reads_as(value, text)) break;
    }
    return digits_of(text, text + size);
}

Digits shortest_digits(double value) {
#ifdef LEADSCORING_CONVERTS
    char text[64];
    return digits_of(text, std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr);
#else
    return plain_digits(value);
#endif
}

template <Digits (*digits)(double)>
char* write(double value, char* out) {
    if (value != value) return copied(out, "NaN", 3);
    if (std::signbit(value)) *out++ = '-';
    value = std::fabs(value);
    if (std::isinf(value)) return copied(out, "inf", 3);
    if (char* end = write_short(value, out)) return end;
    if (digits == shortest_digits)
        if (char* end = write_usual(value, out)) return end;
    return write_digits(digits(value), out);
}

bool is_digit(char c) { return unsigned(c - '0') < 10; }

// A decimal as a whole number times a power of ten.
struct Decimal {
    uint64_t whole = 0;
    int power = 0, digits = 0;
    const char* at;
};

// Adds digits from a place on; those that do not fit are left out.
void take_digits(Decimal& number, const char* end, int step) {
    for (; number.at < end && is_digit(*number.at); ++number.at) {
        if (number.digits < kDigits) number.whole = number.whole * 10 + uint64_t(*number.at - '0');
        ++number.digits;
        number.power += step;
    }
}

// Adds an exponent; returns whether it is one, of at most four digits.
bool take_exponent(Decimal& number, const char* end) {
    if (++number.at < end && *number.at == '+') ++number.at;
    if (number.at < end && number.at[-1] == '+' && *number.at == '-') return false;
    int exponent = 0;
    const auto [at, error] = std::from_chars(number.at, end, exponent);
    const bool is_short = at - number.at <= 5;
    number.at = at;
    number.power += exponent;
    return error == std::errc() && is_short;
}

bool read_any(const char* begin, const char* end, double& value) {
#ifdef LEADSCORING_CONVERTS
    const auto [at, error] = std::from_chars(begin, end, value);
    return error == std::errc() && at == end && std::isfinite(value);
#else
    return false;
#endif
}

}  // namespace

bool read_decimal(const char* begin, const char* end, double& value) {
    const bool negative = begin < end && *begin == '-';
    Decimal number;
    number.at = begin + negative;
    take_digits(number, end, 0);
    if (number.at < end && *number.at == '.') {
        ++number.at;
        take_digits(number, end, -1);
    }
    if (number.digits == 0) return false;
    if (number.at < end && (*number.at | 0x20) == 'e' && !take_exponent(number, end)) return false;
    if (number.at != end) return false;
    const int power = std::abs(number.power);
    if (number.digits > kDigits || number.whole > kWholeDoubles || power > kPowers) return read_any(begin, end, value);
    const double whole = double(number.whole);
    value = number.power < 0 ? whole / kPower[power] : whole * kPower[power];
    if (negative) value = -value;
    return true;
}

char* write_decimal(double value, char* out) { return write<shortest_digits>(value, out); }

char* write_decimal_plain(double value, char* out) { return write<plain_digits>(value, out); }

}  // namespace leadscoring
