#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// Python bindings of the incremental JSON scanners: Names, Skim and Split.
void bind_texts(nanobind::module_& m);

}  // namespace leadscoring
