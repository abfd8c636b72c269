#pragma once

#include <cstdint>
#include <vector>

#include "arrays.hpp"

namespace leadscoring {

// Turns many margins into probabilities, buckets and percentiles, with the same bits as model/calibration.py and
// model/card.py do one by one. Immutable.
class Ranking {
  public:
    // The knots of the calibration (none: the logistic function), the thresholds of the tiers, and the quantiles of the
    // reference (none: percentiles are NaN).
    Ranking(nb::handle margins, nb::handle probabilities, nb::handle thresholds, nb::handle quantiles);

    // Reads doubles and writes as many doubles, bytes and doubles.
    void rank(nb::handle margins, nb::handle probabilities, nb::handle buckets, nb::handle percentiles) const;

  private:
    double probability(double margin) const;
    uint8_t bucket(double probability) const;
    double percentile(double probability) const;

    std::vector<double> margins_, probabilities_, thresholds_, quantiles_;
};

void bind_ranking(nb::module_& m);

}  // namespace leadscoring
