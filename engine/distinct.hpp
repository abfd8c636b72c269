#pragma once

#include <cstddef>
#include <cstdint>

#include <nanobind/nanobind.h>

namespace leadscoring {

// Writes the distinct numbers to `found`, in the order in which they come, and for each number its place there. All NaN are
// one; 0.0 and -0.0 are two. Returns how many there are, or more than `most` as soon as there are more.
size_t find_distinct(const double* values, size_t size, uint32_t* places, double* found, size_t most);

// Python binding of the search for the distinct numbers of a column: distinct_numbers.
void bind_distinct(nanobind::module_& m);

}  // namespace leadscoring
