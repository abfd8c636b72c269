#include "numbers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tables.hpp"

namespace leadscoring {

namespace {

// Rows that are encoded column by column: their cells stay in the cache until each is complete.
constexpr size_t kTogether = 256;

constexpr const char* kColumns = "columns must be tuples of place, low, high, fit and required";

NumberColumns::Column column_of(nb::handle given, size_t width) {
    const Items items = items_of(given, kColumns);
    if (items.size != 5) throw nb::value_error(kColumns);
    const int64_t place = nb::cast<int64_t>(nb::handle(items.begin[0])), fit = nb::cast<int64_t>(nb::handle(items.begin[3]));
    if (place < 0 || size_t(place) >= width) throw nb::value_error("a column must have its place within the rows");
    if (fit < 0 || fit > 2) throw nb::value_error("what fits must be 0 (any), 1 (whole) or 2 (flag)");
    return {int32_t(place), nb::cast<double>(nb::handle(items.begin[1])), nb::cast<double>(nb::handle(items.begin[2])),
            NumberColumns::Fit(fit), nb::cast<bool>(nb::handle(items.begin[4]))};
}

}  // namespace

NumberColumns::NumberColumns(nb::handle columns, int64_t width, float missing) : width_(size_t(width)), missing_(missing) {
    if (width < 1) throw nb::value_error("rows must have one column or more");
    const Items items = items_of(columns, kColumns);
    for (Py_ssize_t i = 0; i < items.size; ++i) columns_.push_back(column_of(items.begin[i], width_));
}

// A number that is missing by its mark fits even where it is out of bounds, and even a required feature.
template <NumberColumns::Fit fit>
void NumberColumns::encode_column(const Column& about, const double* from, size_t first, size_t last, float* rows,
                                  uint8_t* doubtful) const {
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    const double low = about.low, high = about.high;
    const bool required = about.required;
    const float missing = missing_;
    float* out = rows + size_t(about.place);
    for (size_t row = first; row < last; ++row) {
        const double value = from[row];
        const float narrowed = float(value);
        const bool absent = value != value, marked = narrowed == missing;
        bool fits = value >= low && value <= high;
        if (fit == Fit::whole) fits = fits && value == std::trunc(value);
        if (fit == Fit::flag) fits = value == 0 || value == 1;
        out[row * width_] = marked ? kNaN : narrowed;
        doubtful[row] |= uint8_t(!marked && (absent ? required : !fits));
    }
}

void NumberColumns::encode_one(const Column& about, const double* from, size_t first, size_t last, float* rows,
                               uint8_t* doubtful) const {
    switch (about.fit) {
        case Fit::any: return encode_column<Fit::any>(about, from, first, last, rows, doubtful);
        case Fit::whole: return encode_column<Fit::whole>(about, from, first, last, rows, doubtful);
        default: return encode_column<Fit::flag>(about, from, first, last, rows, doubtful);
    }
}

void NumberColumns::encode(nb::handle columns, nb::handle rows, nb::handle doubtful) const {
    const Items items = items_of(columns, "columns must be a sequence of buffers of doubles");
    if (size_t(items.size) != columns_.size()) throw nb::value_error("there must be a buffer for each column");
    const Filled<uint8_t> notes(doubtful);
    const Filled<float> out(rows);
    const size_t leads = notes.size();
    out.check(leads * width_, "rows");
    std::vector<Given<double>> given;
    given.reserve(columns_.size());
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        given.emplace_back(nb::handle(items.begin[i]));
        given.back().check(leads, "each column");
    }
    nb::gil_scoped_release release;
    for (size_t first = 0; first < leads; first += kTogether) {
        const size_t last = std::min(leads, first + kTogether);
        for (size_t i = 0; i < columns_.size(); ++i)
            encode_one(columns_[i], given[i].data(), first, last, out.data(), notes.data());
    }
}

void bind_numbers(nb::module_& m) {
    nb::class_<NumberColumns>(m, "NumberColumns")
        .def(nb::init<nb::handle, int64_t, float>(), nb::arg("columns"), nb::arg("width"),
             nb::arg("missing") = std::numeric_limits<float>::quiet_NaN())
        .def("encode", &NumberColumns::encode, nb::arg("columns"), nb::arg("rows"), nb::arg("doubtful"));
}

}  // namespace leadscoring
