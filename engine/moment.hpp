#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace leadscoring {

// Moments are microseconds since 1970 in UTC, of the years 1 to 9999.
constexpr int64_t kDay = int64_t(86400) * 1000000;
constexpr int64_t kNoMoment = std::numeric_limits<int64_t>::min();

// Parses an ISO 8601 date, or date and time with an optional offset; kNoMoment if it is none.
int64_t parse_moment(std::string_view text);

bool is_moment(int64_t moment);

// 0 is Monday.
int weekday_of(int64_t moment);
int hour_of(int64_t moment);

}  // namespace leadscoring
