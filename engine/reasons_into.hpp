#pragma once

#include "arrays.hpp"
#include "reasons.hpp"

namespace leadscoring {

// Writes the strongest reasons of rows, float32 of shape (leads, columns), to arrays of shape (leads, limit): the feature
// (-1 for none), its contribution, and the leading column of the feature, from 0, with its value in the row. The order is
// that of ReasonFinder's reasons; nothing is counted.
void reasons_into(const ReasonFinder& finder, nb::handle rows, int64_t limit, nb::handle features,
                  nb::handle contributions, nb::handle columns, nb::handle values);

}  // namespace leadscoring
