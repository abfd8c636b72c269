#pragma once

#include <nanobind/nanobind.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "doubles.hpp"
#include "encode.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Counts leads into the bins of a model's reference: each feature of each lead, and its score, in one call. The
// numbers are owned by the caller and may be shared between processes.
class BinCounter {
public:
    static constexpr size_t kBins = 10, kMissing = kBins, kUnseen = kBins + 1, kWidth = kBins + 2;

    // `numbers` is a writable buffer of doubles. `columns` has for each column of a row either None, or the offset of
    // its kWidth numbers with either the upper edges of its bins or the bin of each code. `margins` are the upper
    // edges of the bins of the score, whose kBins numbers start at `score`.
    BinCounter(nb::handle numbers, nb::handle columns, nb::handle margins, size_t score);

    void count(const Rows& rows, nb::handle margins);

private:
    struct Column {
        size_t feature, place;
        bool is_category;
        alignas(16) std::array<float, 12> edges;  // padded to whole vectors with infinity
        std::vector<uint8_t> bin_of_code;
    };

    void add_column(size_t feature, nb::handle entry);
    size_t category(const Column& column, float code) const;
    void count_row(const Rows& rows, Py_ssize_t row, size_t& unseen);

    Doubles numbers_;
    size_t features_ = 0, score_;
    std::vector<Column> columns_;
    std::vector<double> margins_;
};

}  // namespace leadscoring
