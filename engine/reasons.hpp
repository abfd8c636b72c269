#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>

#include "doubles.hpp"
#include "forest.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Computes the strongest contributions of each lead and counts them: per feature, how often it is among those that
// raise a score, and how often among those that lower one. The numbers are owned by the caller and may be shared
// between processes.
class ReasonCounter {
public:
    // `numbers` is a writable buffer of doubles, two per feature: raised, lowered. Features beyond it are not counted.
    ReasonCounter(nb::object forest, nb::handle numbers);

    const Forest& forest() const { return *trees_; }

    void add(int32_t feature, float contribution) {
        const size_t place = 2 * size_t(feature) + (contribution < 0);
        if (place < numbers_.size()) numbers_.data()[place] += 1.0;
    }

private:
    nb::object forest_;  // keeps the forest alive
    const Forest* trees_;
    Doubles numbers_;
};

}  // namespace leadscoring
