#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <vector>

#include "doubles.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Updates all metrics of one request in a single call. The numbers are owned by the caller and may be shared
// between processes. A series is a single number, or the buckets of a histogram followed by their sum.
class Recorder {
public:
    // `numbers` is a writable buffer of doubles; `plan` has (offset, upper edges) of each series, in the order
    // of the arguments of `record`.
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
