#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "doubles.hpp"
#include "forest.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Computes the strongest contributions of each lead by feature of the contract: those of several columns of one feature
// are summed, and the strongest of these columns is known. Counts them, if `numbers` is given: per feature, how often it is among those that raise a score, and how
// often among those that lower one. The numbers are owned by the caller and may be shared between processes.
class ReasonFinder {
public:
    // `numbers` is a writable buffer of doubles, two per feature: raised, lowered; features beyond it are not counted,
    // and with None none is. `widths` has the number of columns of each feature; None if each has one.
    ReasonFinder(nb::object forest, nb::handle numbers, nb::handle widths);

    const Forest& forest() const { return *trees_; }

    // Whether there is something to add up: a feature with several columns.
    bool sums() const { return !widths_.empty(); }

    // Whether any feature has several columns: otherwise the contribution of a feature is that of its column.
    bool several() const { return widths_.size() < size_t(trees_->n_features()) && sums(); }

    size_t features() const { return widths_.size(); }

    // Writes the contributions of features in place of those of their columns, which there are at least as many of, and to
    // `leading` for each feature the row's column that contributes most in the direction of the sum, the first of equals.
    void sum(float* values, int32_t* leading) const;

    // The same for a block of leads, in the layout of the kernels: values[column * 16 + lead], sums[feature * 16 + lead].
    void sum_block(const float* values, float* sums, int32_t* leading) const;

    // The first column of a feature.
    int32_t first(size_t feature) const { return firsts_[feature]; }

    void count(int32_t feature, float contribution) {
        const size_t place = 2 * size_t(feature) + (contribution < 0);
        if (place < counted_) counts_[place] += 1.0;
    }

private:
    nb::object forest_;  // keeps the forest alive
    const Forest* trees_;
    std::optional<Doubles> numbers_;
    double* counts_ = nullptr;
    size_t counted_ = 0;  // none where there are no numbers
    std::vector<size_t> widths_;
    std::vector<int32_t> firsts_;
};

}  // namespace leadscoring
