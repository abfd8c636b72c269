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

// The strongest contributions of each lead, by the features of a contract: what several columns of one feature
// contribute is one contribution. They may be counted as they are found: per feature, how often it was among those that
// raised a score, and how often among those that lowered one, in numbers that somebody else owns and may share between
// processes.
class ReasonFinder {
public:
    // `numbers` is a writable buffer of doubles, two a feature: raised, lowered. Features beyond it are not counted; of
    // None none is. `widths` has the number of columns of each feature, None where each has one.
    ReasonFinder(nb::object forest, nb::handle numbers, nb::handle widths);

    const Forest& forest() const { return *trees_; }

    // Whether there is something to add up: a feature with several columns.
    bool sums() const { return !widths_.empty(); }

    size_t features() const { return widths_.size(); }

    // The contributions of features in place of those of their columns, which there are at least as many of.
    void sum(float* values) const;

    void count(int32_t feature, float contribution) {
        const size_t place = 2 * size_t(feature) + (contribution < 0);
        if (place < counted_) counts_[place] += 1.0;
    }

private:
    nb::object forest_;  // kept for as long as this
    const Forest* trees_;
    std::optional<Doubles> numbers_;
    double* counts_ = nullptr;
    size_t counted_ = 0;  // none where there are no numbers
    std::vector<size_t> widths_;
};

}  // namespace leadscoring
