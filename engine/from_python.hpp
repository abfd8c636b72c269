#pragma once

#include <cstdint>
#include <memory>

#include <nanobind/nanobind.h>

#include "forest.hpp"

namespace leadscoring {

namespace nb = nanobind;

// The trees that trees.py hands over: per tree a tuple of twelve lists. BadModel for anything else.
std::unique_ptr<Forest> forest_from_python(int64_t n_features, double base_margin, nb::handle trees);

}  // namespace leadscoring
