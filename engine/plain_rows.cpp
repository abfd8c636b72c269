// Reads blocks of delimited text in which each line is a row and no cell is in quotation marks.

#include "plain_rows.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "arrow_made.hpp"
#include "decimal.hpp"
#include "tables.hpp"

namespace leadscoring {

namespace {

enum class Wanted { nothing, number, text };

// What is made of one column of the file; `is_odd` if a cell is neither empty nor a plain number.
struct Column {
    Wanted wanted;
    std::optional<MadeColumn> made;
    bool is_odd = false;
};

bool is_digit(char c) { return unsigned(c - '0') < 10; }

// Reads the rows of one block, whose last byte is followed by a zero.
class Reader {
  public:
    Reader(const char* begin, size_t size, char delimiter, std::vector<Column>& columns)
        : at_(begin), end_(begin + size), delimiter_(delimiter), columns_(columns) {}

    // Reads all rows; returns whether each is as long as there are columns. Adds the rows without any value to `empty`.
    bool read(std::vector<int64_t>& empty) {
        for (size_t row = 0; at_ < end_; ++row) {
            if (is_blank()) empty.push_back(int64_t(row));
            for (size_t i = 0; i < columns_.size(); ++i) {
                cell(columns_[i], row);
                const bool last = i + 1 == columns_.size();
                if (last != is_line_end()) return false;
                ++at_;
            }
        }
        return true;
    }

  private:
    bool is_line_end() const { return at_ == end_ || *at_ == '\n'; }
    bool is_cell_end() const { return *at_ == delimiter_ || is_line_end(); }

    bool is_blank() const {
        const char* at = at_;
        while (*at == delimiter_ || *at == ' ' || *at == '\t') ++at;
        return at == end_ || *at == '\n';
    }

    void cell(Column& column, size_t row) {
        if (is_cell_end()) return;
        if (column.wanted == Wanted::number) return number(column, row);
        const char* begin = at_;
        skip();
        if (column.wanted == Wanted::text) column.made->set(row, {begin, size_t(at_ - begin)});
    }

    void skip() {
        while (!is_cell_end()) ++at_;
    }

    void number(Column& column, size_t row) {
        const char* begin = at_;
        const bool negative = *at_ == '-';
        at_ += negative;
        uint64_t whole = 0;
        const char* first = at_;
        take_digits(whole);
        int digits = int(std::min<ptrdiff_t>(at_ - first, kDigits + 1)), decimals = 0;
        if (*at_ == '.') {
            first = ++at_;
            take_digits(whole);
            decimals = int(std::min<ptrdiff_t>(at_ - first, kDigits + 1));
            digits += decimals;
        }
        if (!is_cell_end() || digits == 0 || digits > kDigits || whole > kWholeDoubles) return any(column, row, begin);
        const double value = decimals ? double(whole) / kPower[decimals] : double(whole);
        column.made->set(row, negative ? -value : value);
    }

    void take_digits(uint64_t& whole) {
        for (; is_digit(*at_); ++at_) whole = whole * 10 + uint64_t(*at_ - '0');
    }

    // A number with many digits or an exponent, or none.
    void any(Column& column, size_t row, const char* begin) {
        skip();
        double value;
        if (read_decimal(begin, at_, value)) column.made->set(row, value);
        else column.is_odd = true;
    }

    const char *at_, *end_;
    char delimiter_;
    std::vector<Column>& columns_;
};

std::vector<Column> columns_of(nb::handle wanted, size_t rows, nb::handle block) {
    const Items items = items_of(wanted, "what is wanted must be a list");
    std::vector<Column> columns;
    size_t numbers = 0;
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        const int64_t what = nb::cast<int64_t>(nb::handle(items.begin[i]));
        if (what < 0 || what > 2) throw nb::value_error("wanted are 0 (nothing), 1 (numbers) or 2 (texts)");
        Column& column = columns.emplace_back(Column{Wanted(what), std::nullopt});
        numbers += column.wanted == Wanted::number;
        if (column.wanted == Wanted::text) column.made = MadeColumn::of_texts(rows, nb::borrow(block));
    }
    std::vector<MadeColumn> made = MadeColumn::of_numbers(rows, numbers);
    for (Column& column : columns)
        if (column.wanted == Wanted::number) column.made = std::move(made[--numbers]);
    if (columns.empty()) throw nb::value_error("rows must have one column or more");
    return columns;
}

// Returns the number of rows, the columns that are wanted (None for numbers of which one is odd), and the rows without any
// value; None if a row is not as long as there are columns.
nb::object plain_rows(nb::bytes block, char delimiter, nb::handle wanted) {
    const char* begin = block.c_str();
    const size_t size = block.size();
    size_t rows = 0;
    {
        const nb::gil_scoped_release release;
        rows = size_t(std::count(begin, begin + size, '\n')) + (size > 0 && begin[size - 1] != '\n');
    }
    std::vector<Column> columns = columns_of(wanted, rows, block);
    std::vector<int64_t> empty;
    {
        const nb::gil_scoped_release release;
        if (!Reader(begin, size, delimiter, columns).read(empty)) rows = size_t(-1);
    }
    if (rows == size_t(-1)) return nb::none();
    nb::list made, blank;
    for (Column& column : columns) {
        if (column.wanted == Wanted::nothing) continue;
        if (column.is_odd) made.append(nb::none());
        else made.append(nb::cast(std::move(*column.made)));
    }
    for (const int64_t row : empty) blank.append(row);
    return nb::make_tuple(rows, made, blank);
}

}  // namespace

void bind_plain_rows(nb::module_& m) {
    m.def("plain_rows", &plain_rows, nb::arg("block"), nb::arg("delimiter"), nb::arg("wanted"));
}

}  // namespace leadscoring
