#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// Python binding of the search for the distinct numbers of a column: distinct_numbers.
void bind_distinct(nanobind::module_& m);

}  // namespace leadscoring
