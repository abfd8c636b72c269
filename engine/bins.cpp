#include "bins.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace leadscoring {

namespace {

std::vector<double> rising(nb::handle edges) {
    std::vector<double> values;
    for (nb::handle edge : edges) values.push_back(nb::cast<double>(edge));
    const auto falls = [](double a, double b) { return !(a < b); };
    if (values.size() >= BinCounter::kBins || std::adjacent_find(values.begin(), values.end(), falls) != values.end())
        throw nb::value_error("the edges of bins must rise, and be 9 at most");
    return values;
}

// The largest float32 not above an edge, so that comparing float32 values with either gives the same result.
float at_most(double edge) {
    const float nearest = float(edge);
    return double(nearest) > edge ? std::nextafter(nearest, -std::numeric_limits<float>::infinity()) : nearest;
}

}  // namespace

BinCounter::BinCounter(nb::handle numbers, nb::handle columns, nb::handle margins, size_t score)
    : numbers_(numbers), score_(score), margins_(rising(margins)) {
    for (nb::handle entry : columns) add_column(features_++, entry);
    const bool fit = std::all_of(columns_.begin(), columns_.end(), [this](const Column& column) {
        return numbers_.hold(column.place, kWidth);
    });
    if (!fit || !numbers_.hold(score_, kBins)) throw nb::value_error("bins lie outside of the numbers");
}

void BinCounter::add_column(size_t feature, nb::handle entry) {
    if (entry.is_none()) return;
    const nb::object edges = entry[1], codes = entry[2];
    Column column{feature, nb::cast<size_t>(entry[0]), edges.is_none(), {}, {}};
    column.edges.fill(std::numeric_limits<float>::infinity());
    if (column.is_category) {
        for (nb::handle code : codes) column.bin_of_code.push_back(nb::cast<uint8_t>(code));
        for (const uint8_t bin : column.bin_of_code)
            if (bin >= kWidth) throw nb::value_error("the bin of a code must be from 0 to 11");
    } else {
        const std::vector<double> given = rising(edges);
        std::transform(given.begin(), given.end(), column.edges.begin(), at_most);
    }
    columns_.push_back(std::move(column));
}

void BinCounter::count(const Rows& rows, nb::handle margins) {
    if (!PyList_Check(margins.ptr()) || PyList_GET_SIZE(margins.ptr()) != rows.n_rows)
        throw nb::value_error("there must be a list of one margin for each row");
    if (rows.n_rows > 0 && size_t(rows.n_features) != features_)
        throw nb::value_error("the rows have another number of features than the bins");
    double* score = numbers_.data() + score_;
    size_t unseen = 0;
    for (Py_ssize_t row = 0; row < rows.n_rows; ++row) {
        const double margin = PyFloat_AsDouble(PyList_GET_ITEM(margins.ptr(), row));
        if (margin == -1.0 && PyErr_Occurred()) throw nb::python_error();
        count_row(rows, row, unseen);
        score[std::lower_bound(margins_.begin(), margins_.end(), margin) - margins_.begin()] += 1.0;
    }
}

// `unseen` is the position in rows.unseen, which is sorted by row and feature, where this row's entries start.
void BinCounter::count_row(const Rows& rows, Py_ssize_t row, size_t& unseen) {
    double* numbers = numbers_.data();
    const float* values = rows.values.data() + size_t(row) * features_;
    for (const Column& column : columns_) {
        const float value = values[column.feature];
        size_t bin = 0;
        if (!column.is_category) {
            int below = 0;
            for (const float edge : column.edges) below += edge < value;
            bin = std::isnan(value) ? kMissing : size_t(below);
        } else {
            bin = category(column, value);
            const std::pair<int32_t, int32_t> here(int32_t(row), int32_t(column.feature));
            while (unseen < rows.unseen.size() && rows.unseen[unseen] < here) ++unseen;
            if (unseen < rows.unseen.size() && rows.unseen[unseen] == here && !rows.rare[unseen]) bin = kUnseen;
        }
        numbers[column.place + bin] += 1.0;
    }
}

size_t BinCounter::category(const Column& column, float code) const {
    if (std::isnan(code)) return kMissing;
    if (!(code >= 0 && code < float(column.bin_of_code.size()))) return kUnseen;
    return column.bin_of_code[size_t(code)];
}

}  // namespace leadscoring
