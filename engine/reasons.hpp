#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>

#include "doubles.hpp"
#include "forest.hpp"

namespace leadscoring {

namespace nb = nanobind;

// The strongest contributions of each lead, which are counted as they are found: per feature, how often it was among
// those that raised a score, and how often among those that lowered one, in numbers that somebody else owns and may
// share between processes.
class ReasonCounter {
public:
    // `numbers` is a writable buffer of doubles, two a feature: raised, lowered. Features beyond it are not counted.
    ReasonCounter(nb::object forest, nb::handle numbers);

    const Forest& forest() const { return *trees_; }

    void add(int32_t feature, float contribution) {
        const size_t place = 2 * size_t(feature) + (contribution < 0);
        if (place < numbers_.size()) numbers_.data()[place] += 1.0;
    }

private:
    nb::object forest_;  // kept for as long as this
    const Forest* trees_;
    Doubles numbers_;
};

}  // namespace leadscoring
