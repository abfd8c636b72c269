#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// What reads JSON texts in slices, for Python: Names, Skim and Split.
void bind_texts(nanobind::module_& m);

}  // namespace leadscoring
