#include "ranking.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tables.hpp"

namespace leadscoring {

namespace {

std::vector<double> doubles_of(nb::handle given, const char* what) {
    const Items items = items_of(given, what);
    std::vector<double> values;
    for (Py_ssize_t i = 0; i < items.size; ++i) values.push_back(nb::cast<double>(nb::handle(items.begin[i])));
    return values;
}

double logistic(double margin) {
    if (margin >= 0) return 1.0 / (1.0 + std::exp(-margin));
    const double odds = std::exp(margin);
    return odds / (1.0 + odds);
}

// Rounds a number from 0 to 100 to two decimals as Python does: to the nearest, of its exact value, ties to even.
double rounded(double value) {
    const double scaled = value * 100.0, error = std::fma(value, 100.0, -scaled);
    const double whole = std::floor(scaled), above = scaled - whole - 0.5;
    const bool tie = above == 0 && error == 0;
    const bool up = tie ? std::fmod(whole, 2.0) != 0 : above > 0 || (above == 0 && error > 0);
    return (whole + (up ? 1.0 : 0.0)) / 100.0;
}

}  // namespace

Ranking::Ranking(nb::handle margins, nb::handle probabilities, nb::handle thresholds, nb::handle quantiles)
    : margins_(doubles_of(margins, "margins must be a sequence of numbers")),
      probabilities_(doubles_of(probabilities, "probabilities must be a sequence of numbers")),
      thresholds_(doubles_of(thresholds, "thresholds must be a sequence of numbers")),
      quantiles_(doubles_of(quantiles, "quantiles must be a sequence of numbers")) {
    if (margins_.size() != probabilities_.size()) throw nb::value_error("there must be a probability for each margin");
    if (quantiles_.size() == 1) throw nb::value_error("the quantiles must be none, or 2 or more");
}

double Ranking::probability(double margin) const {
    if (margins_.empty()) return logistic(margin);
    const size_t right = size_t(std::upper_bound(margins_.begin(), margins_.end(), margin) - margins_.begin());
    if (right == 0) return probabilities_.front();
    if (right == margins_.size()) return probabilities_.back();
    const double x0 = margins_[right - 1], p0 = probabilities_[right - 1];
    const double between = p0 + (probabilities_[right] - p0) * (margin - x0) / (margins_[right] - x0);
    return std::min(between, probabilities_[right]);
}

uint8_t Ranking::bucket(double probability) const {
    uint8_t below = 0;
    for (const double threshold : thresholds_) below = uint8_t(below + (probability < threshold));
    return uint8_t(5 - below);
}

double Ranking::percentile(double probability) const {
    if (quantiles_.empty()) return std::numeric_limits<double>::quiet_NaN();
    const size_t steps = quantiles_.size() - 1;
    const auto begin = quantiles_.begin(), end = quantiles_.end(), at = std::lower_bound(begin, end, probability);
    const size_t left = size_t(at - begin);
    double place = 0;
    if (left > steps) {
        place = double(steps);
    } else if (*at == probability) {
        place = double(left + size_t(std::upper_bound(at, end, probability) - begin) - 1) / 2.0;
    } else if (left > 0) {
        const double low = quantiles_[left - 1];
        place = double(left) - 1.0 + (probability - low) / (*at - low);
    }
    return rounded(100.0 * place / double(steps));
}

void Ranking::rank(nb::handle margins, nb::handle probabilities, nb::handle buckets, nb::handle percentiles) const {
    const Given<double> from(margins);
    const Filled<double> found(probabilities), places(percentiles);
    const Filled<uint8_t> tiers(buckets);
    const size_t leads = from.size();
    found.check(leads, "probabilities");
    tiers.check(leads, "buckets");
    places.check(leads, "percentiles");
    nb::gil_scoped_release release;
    for (size_t i = 0; i < leads; ++i) {
        const double chance = probability(from.data()[i]);
        found.data()[i] = chance;
        tiers.data()[i] = bucket(chance);
        places.data()[i] = percentile(chance);
    }
}

void bind_ranking(nb::module_& m) {
    nb::class_<Ranking>(m, "Ranking")
        .def(nb::init<nb::handle, nb::handle, nb::handle, nb::handle>(), nb::arg("margins"), nb::arg("probabilities"),
             nb::arg("thresholds"), nb::arg("quantiles"))
        .def("rank", &Ranking::rank, nb::arg("margins"), nb::arg("probabilities"), nb::arg("buckets"),
             nb::arg("percentiles"));
}

}  // namespace leadscoring
