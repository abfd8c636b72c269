#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// Python binding of the reader of plain rows: plain_rows.
void bind_plain_rows(nanobind::module_& m);

}  // namespace leadscoring
