#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

void bind_tape_table(nb::module_& m);

}  // namespace leadscoring
