#pragma once

#include <cstdint>
#include <memory>

#include <nanobind/nanobind.h>

#include "forest.hpp"

namespace leadscoring {

namespace nb = nanobind;

// Converts the trees that trees.py passes: per tree a tuple of twelve lists. Throws BadModel for anything else.
std::unique_ptr<Forest> forest_from_python(int64_t n_features, double base_margin, nb::handle trees);

}  // namespace leadscoring
