// Writes the columns of a table as lines of CSV that no spreadsheet runs.

#include "csv_lines.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nanobind/stl/string_view.h>

#include "arrow.hpp"
#include "cells.hpp"
#include "decimal.hpp"
#include "tables.hpp"
#include "text_cells.hpp"

namespace leadscoring {

namespace {

constexpr const char* kColumn = "a column must be a tuple of its kind and its cells, and its names if these are places";
constexpr size_t kAround = 3;   // quotation marks and an apostrophe
constexpr size_t kSlack = 32;   // bytes that are copied at once, whatever is behind a text
constexpr size_t kKept = 4096;  // decimals that are kept, a power of two
constexpr size_t kTried = 512;  // decimals of a column by which it is known whether they come again

bool is_digit(char c) { return unsigned(c - '0') < 10; }

size_t digits_from(std::string_view text, size_t at) {
    size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end;
}

// Whether a text is a number that no spreadsheet takes for a formula: a sign, digits with a dot, an exponent.
bool is_plain_number(std::string_view text) {
    size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    const size_t whole = digits_from(text, at);
    const bool dot = whole < text.size() && text[whole] == '.';
    const size_t end = dot ? digits_from(text, whole + 1) : whole;
    if (whole == at && end <= whole + 1) return false;
    if (end == text.size()) return true;
    if ((text[end] | 0x20) != 'e') return false;
    at = end + 1;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    return at < text.size() && digits_from(text, at) == text.size();
}

// Whether a text starts with what starts a formula, also in full width, or with the mark that makes one harmless.
bool is_risky(std::string_view text) {
    if (text.empty()) return false;
    switch (text[0]) {
        case '\'': case '=': case '+': case '-': case '@': case '\t': case '\r': case '\n': return true;
        case '\xef': break;
        default: return false;
    }
    const std::string_view start = text.substr(0, 3);
    return start == "\uff1d" || start == "\uff0b" || start == "\uff0d" || start == "\uff20";
}

// Bytes of a word that are zero, by their highest bits; bytes above 127 never count.
uint64_t zeros_in(uint64_t word) { return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u; }

uint64_t has(uint64_t word, char c) { return zeros_in(word ^ (0x0101010101010101u * uint8_t(c))); }

bool is_special(char c) { return c == ',' || c == '"' || c == '\n' || c == '\r'; }

// Whether a text must stand in quotation marks: an empty one, too, since nothing at all is null.
bool is_quoted(std::string_view text) {
    if (text.empty()) return true;
    while (text.size() >= 8) {
        uint64_t word;
        std::memcpy(&word, text.data(), 8);
        if (has(word, ',') | has(word, '"') | has(word, '\n') | has(word, '\r')) return true;
        text.remove_prefix(8);
    }
    for (const char c : text)
        if (is_special(c)) return true;
    return false;
}

// Writes a text, in quotation marks if need be, and with an apostrophe if a spreadsheet would run it.
char* write_text(std::string_view text, bool marks, char* out) {
    const bool quotes = is_quoted(text);
    if (quotes) *out++ = '"';
    if (marks) *out++ = '\'';
    if (!quotes) {
        std::memcpy(out, text.data(), text.size());
        return out + text.size();
    }
    for (const char c : text) {
        if (c == '"') *out++ = '"';
        *out++ = c;
    }
    *out++ = '"';
    return out;
}

bool is_formula(std::string_view text) { return is_risky(text) && !is_plain_number(text); }

// What is written for one text of a dictionary.
struct Name {
    std::string text;
    bool marked;

    size_t size;

    Name(std::string_view given, bool guarded)
        : text(2 * given.size() + kAround + kSlack, 0), marked(guarded && is_formula(given)) {
        size = size_t(write_text(given, marked, text.data()) - text.data());
    }
};

// The text of a column that was written last: constants and names come again in the next line.
struct Last {
    std::string_view text;
    const char* begin = nullptr;
    size_t size = 0;
    bool marked = false;
};

enum class Kind { numbers, texts, guarded };

// One column: texts, numbers, or places in a list of names. `guarded` texts may come from a lead, and a spreadsheet could
// run them.
struct Column {
    std::optional<Cells> numbers;
    std::optional<TextCells> texts;
    std::vector<Name> names;
    std::vector<uint32_t> places;  // in the names
    bool guarded, named;
    Last last;
    size_t asked = 0, kept = 0;  // decimals that were looked for among those that were written, and that were there

    Column(nb::handle cells, Kind kind, nb::handle known) : guarded(kind == Kind::guarded), named(known.is_valid()) {
        if (kind == Kind::numbers || named) numbers.emplace(cells);
        else texts.emplace(cells);
        if (!named) return;
        if (!PyList_Check(known.ptr())) throw nb::type_error(kColumn);
        for (const nb::handle one : known) names.emplace_back(nb::cast<std::string_view>(one), guarded);
        find_places();
    }
    size_t size() const { return texts ? texts->size() : numbers->size(); }

    // The most bytes that the cells take, their separators included.
    size_t most() const {
        size_t longest = kLongestDecimal;
        for (const Name& name : names) longest = std::max(longest, name.size);
        if (numbers) return size() * (longest + 1);
        size_t bytes = size() * (kAround + 1);
        for (size_t row = 0; row < size(); ++row)
            if (!texts->is_null(row)) bytes += 2 * texts->at(row).size();
        return bytes;
    }

  private:
    void find_places() {
        places.resize(size());
        const CellSource& from = numbers->source();
        if (from.type == CellType::u8 && names.size() > 0) {  // the usual case
            const uint8_t* begin = static_cast<const uint8_t*>(from.values) + from.offset;
            uint8_t most = 0;
            for (size_t row = 0; row < size(); ++row) most = std::max(most, begin[row]);
            if (most < names.size()) {
                std::copy(begin, begin + size(), places.begin());
                return;
            }
        }
        for (size_t row = 0; row < size(); ++row) {
            const double place = numbers->is_null(row) ? 0 : numbers->at(row);
            if (!numbers->is_null(row) && !(place >= 0 && place < double(names.size())))
                throw nb::value_error("a place is beyond the names");
            places[row] = uint32_t(place);
        }
    }
};

// Writes cells one after the other: each to a place, of which it returns the end.
class Writer {
  public:
    Writer() : kept_(kKept) {}

    size_t marked() const { return marked_; }

    char* cell(Column& column, size_t row, char* out) {
        if (column.texts) return column.texts->is_null(row) ? out : text(column, column.texts->at(row), out);
        if (column.numbers->is_null(row)) return out;
        return column.named ? name(column.names[column.places[row]], out) : number(column, row, out);
    }

  private:
    // A decimal that was written, by the bits of its number.
    struct Decimal {
        uint64_t bits = 0;
        char text[kSlack - 1] = {};
        uint8_t size = 0;
    };

    char* number(Column& column, size_t row, char* out) {
        const CellSource& from = column.numbers->source();
        const size_t at = from.offset + row;
        switch (from.type) {
            case CellType::i8: return whole(static_cast<const int8_t*>(from.values)[at], out);
            case CellType::i16: return whole(static_cast<const int16_t*>(from.values)[at], out);
            case CellType::i32: return whole(static_cast<const int32_t*>(from.values)[at], out);
            case CellType::i64: return whole(static_cast<const int64_t*>(from.values)[at], out);
            case CellType::u8: return whole(static_cast<const uint8_t*>(from.values)[at], out);
            case CellType::u16: return whole(static_cast<const uint16_t*>(from.values)[at], out);
            case CellType::u32: return whole(static_cast<const uint32_t*>(from.values)[at], out);
            case CellType::u64: return whole(static_cast<const uint64_t*>(from.values)[at], out);
            case CellType::f64: return decimal(column, static_cast<const double*>(from.values)[at], out);
            case CellType::bits: return copy(bit(static_cast<const uint8_t*>(from.values), at) ? "true" : "false", out);
            default: return out;  // null; single precision is refused before
        }
    }

    template <class T>
    char* whole(T value, char* out) {
        return std::to_chars(out, out + kLongestDecimal, value).ptr;
    }

    char* decimal(Column& column, double value, char* out) {
        if (column.asked == kTried && column.kept < kTried / 4) return write_decimal(value, out);  // few come again
        column.asked += column.asked < kTried;
        uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        Decimal& kept = kept_[(bits * 0x9e3779b97f4a7c15ull) >> 52];
        if (kept.size != 0 && kept.bits == bits) {
            column.kept += column.asked < kTried;
        } else {
            kept.bits = bits;
            kept.size = uint8_t(write_decimal(value, kept.text) - kept.text);
        }
        const size_t size = kept.size;
        std::memcpy(out, kept.text, kSlack - 1);
        return out + size;
    }

    char* name(const Name& name, char* out) {
        marked_ += name.marked;
        const size_t size = name.size;
        const char* text = name.text.data();
        std::memcpy(out, text, kSlack);
        if (size > kSlack) std::memcpy(out + kSlack, text + kSlack, size - kSlack);
        return out + size;
    }

    char* copy(std::string_view text, char* out) {
        std::memcpy(out, text.data(), text.size());
        return out + text.size();
    }

    char* text(Column& column, std::string_view text, char* out) {
        Last& last = column.last;
        if (last.begin && last.text.data() == text.data() && last.text.size() == text.size()) {
            marked_ += last.marked;
            return copy({last.begin, last.size}, out);
        }
        const bool marks = column.guarded && is_formula(text);
        marked_ += marks;
        char* end = write_text(text, marks, out);
        last = {text, out, size_t(end - out), marks};
        return end;
    }

    size_t marked_ = 0;
    std::vector<Decimal> kept_;
};

// Memory of this thread, kept for the next lines: it is much more than they take, and the system would clear it each time.
char* room(size_t bytes) {
    thread_local std::unique_ptr<char[]> memory;
    thread_local size_t size = 0;
    if (size < bytes) {
        size = 0;
        memory.reset();
        memory.reset(new char[bytes]);
        size = bytes;
    }
    return memory.get();
}

// Writes all lines, and returns their end.
char* write_lines(std::vector<Column>& columns, Writer& writer, char* out) {
    const size_t rows = columns.empty() ? 0 : columns.front().size();
    for (size_t row = 0; row < rows; ++row) {
        for (Column& column : columns) {
            out = writer.cell(column, row, out);
            *out++ = ',';
        }
        out[-1] = '\n';
    }
    return out;
}

std::vector<Column> columns_of(nb::handle given) {
    const Items items = items_of(given, "columns must be a list");
    std::vector<Column> columns;
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        const Items parts = items_of(items.begin[i], kColumn);
        if (parts.size < 2 || parts.size > 3) throw nb::value_error(kColumn);
        const int64_t kind = nb::cast<int64_t>(nb::handle(parts.begin[0]));
        if (kind < 0 || kind > 2) throw nb::value_error("a kind must be 0 (numbers), 1 (texts) or 2 (guarded texts)");
        const Column& column = columns.emplace_back(nb::handle(parts.begin[1]), Kind(kind), parts.size > 2 ? nb::handle(parts.begin[2]) : nb::handle());
        if (column.size() != columns.front().size()) throw nb::value_error("all columns must have one cell a line");
        if (column.numbers && column.numbers->source().type == CellType::f32)
            throw nb::type_error("numbers of single precision have another notation");
    }
    return columns;
}

// Returns the lines, and the number of texts that got an apostrophe.
nb::object csv_lines(nb::handle given) {
    std::vector<Column> columns = columns_of(given);
    size_t most = kSlack;
    for (const Column& column : columns) most += column.most();
    Writer writer;
    char* const begin = room(most);
    size_t size;
    {
        const nb::gil_scoped_release release;
        size = size_t(write_lines(columns, writer, begin) - begin);
    }
    return nb::make_tuple(nb::bytes(begin, size), writer.marked());
}

}  // namespace

void bind_csv_lines(nb::module_& m) {
    m.def("csv_lines", &csv_lines, nb::arg("columns"));
    m.def("decimal", [](double value, bool plain) {
        char text[kLongestDecimal];
        return nb::str(text, size_t((plain ? write_decimal_plain : write_decimal)(value, text) - text));
    }, nb::arg("value"), nb::arg("plain") = false);
    m.def("read_decimal", [](nb::str text) -> nb::object {
        const std::string_view all = nb::cast<std::string_view>(text);
        double value;
        return read_decimal(all.data(), all.data() + all.size(), value) ? nb::object(nb::float_(value)) : nb::none();
    }, nb::arg("text"));
}

}  // namespace leadscoring
