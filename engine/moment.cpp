#include "moment.hpp"

namespace leadscoring {

namespace {

constexpr int64_t kSecond = 1000000, kHour = 3600 * kSecond;

// Days since 1970 of a date in the Gregorian calendar, which is counted in eras of 400 years from March on.
constexpr int64_t days_of(int year, int month, int day) {
    const int64_t shifted = year - (month <= 2), era = shifted / 400, of_era = shifted % 400;
    const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

constexpr int64_t kFirst = days_of(1, 1, 1) * kDay, kEnd = (days_of(9999, 12, 31) + 1) * kDay;

constexpr int days_in(int year, int month) {
    constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return kDays[month - 1] + (leap && month == 2);
}

// What is left of a text.
class Scan {
  public:
    explicit Scan(std::string_view text) : text_(text) {}
    bool done() const { return text_.empty(); }

    bool one_of(std::string_view characters) {
        if (done() || characters.find(text_.front()) == std::string_view::npos) return false;
        text_.remove_prefix(1);
        return true;
    }

    // Exactly so many digits, as a number of at most `most`.
    bool digits(size_t count, int most, int& number) {
        if (text_.size() < count) return false;
        number = 0;
        for (size_t i = 0; i < count; ++i) {
            if (!is_digit(text_[i])) return false;
            number = number * 10 + (text_[i] - '0');
        }
        text_.remove_prefix(count);
        return number <= most;
    }

    // Digits behind a decimal point, as microseconds.
    bool fraction(int64_t& part) {
        int64_t unit = kSecond / 10;
        const size_t before = text_.size();
        while (!done() && is_digit(text_.front())) {
            part += unit * (text_.front() - '0');
            unit /= 10;
            text_.remove_prefix(1);
        }
        return text_.size() != before;
    }

  private:
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }
    std::string_view text_;
};

bool date(Scan& scan, int64_t& moment) {
    int year = 0, month = 0, day = 0;
    if (!scan.digits(4, 9999, year) || !scan.one_of("-") || !scan.digits(2, 12, month) || !scan.one_of("-") ||
        !scan.digits(2, 31, day))
        return false;
    if (year < 1 || month < 1 || day < 1 || day > days_in(year, month)) return false;
    moment = days_of(year, month, day) * kDay;
    return true;
}

// A leap second is the first of the next minute.
bool clock(Scan& scan, int64_t& moment) {
    int hour = 0, minute = 0, second = 0;
    if (!scan.digits(2, 23, hour) || !scan.one_of(":") || !scan.digits(2, 59, minute)) return false;
    int64_t part = 0;
    if (scan.one_of(":")) {
        if (!scan.digits(2, 60, second)) return false;
        if (scan.one_of(".,") && !scan.fraction(part)) return false;
    }
    moment += hour * kHour + (minute * 60 + second) * kSecond + part;
    return true;
}

bool offset(Scan& scan, int64_t& moment) {
    if (scan.done()) return true;
    if (scan.one_of("Zz")) return scan.done();
    const bool ahead = scan.one_of("+");
    int hour = 0, minute = 0;
    if ((!ahead && !scan.one_of("-")) || !scan.digits(2, 23, hour)) return false;
    if (!scan.done()) {
        scan.one_of(":");
        if (!scan.digits(2, 59, minute)) return false;
    }
    const int64_t shift = (hour * 60 + minute) * 60 * kSecond;
    moment += ahead ? -shift : shift;
    return scan.done();
}

int64_t floored(int64_t value, int64_t by) { return value / by - (value % by < 0); }

}  // namespace

bool is_moment(int64_t moment) { return moment >= kFirst && moment < kEnd; }

int64_t parse_moment(std::string_view text) {
    Scan scan(text);
    int64_t moment = 0;
    if (!date(scan, moment)) return kNoMoment;
    if (!scan.done() && (!scan.one_of("Tt ") || !clock(scan, moment) || !offset(scan, moment))) return kNoMoment;
    return is_moment(moment) ? moment : kNoMoment;
}

int weekday_of(int64_t moment) {
    const int64_t days = floored(moment, kDay) + 3;  // 1970 began with a Thursday
    return int(days - floored(days, 7) * 7);
}

int hour_of(int64_t moment) { return int((moment - floored(moment, kDay) * kDay) / kHour); }

}  // namespace leadscoring
