#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// Python binding of the writer of CSV: csv_lines.
void bind_csv_lines(nanobind::module_& m);

}  // namespace leadscoring
