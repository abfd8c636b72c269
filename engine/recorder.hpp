#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

#include "doubles.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Counts into numbers that somebody else owns and may share between processes: all that one request has to
// count goes into one call. A series is a plain number, or the buckets of a histogram and their sum behind them.
class Recorder {
public:
    // `numbers` is a writable buffer of doubles; `plan` has (place, upper edges) of each series, in the order
    // in which `record` will get the values.
    Recorder(nb::handle numbers, nb::handle plan);

    void record(nb::args values);

private:
    struct Series {
        size_t place;
        std::vector<double> edges;
        bool is_histogram;
    };

    void add(const Series& series, double value);

    Doubles numbers_;
    std::vector<Series> plan_;
};

}  // namespace leadscoring
