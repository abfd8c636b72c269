#pragma once

#include <cstdint>
#include <vector>

#include "kernel.hpp"

namespace leadscoring {

// What the kernels look up for the twig at a position of a tree of this depth, on the level `level`; null where a twig
// needs no table. The bits are those of kernel_twigs.hpp. Sets everything of the twig but its table.
std::vector<float> twig_table(const SingleTree& tree, const Group& group, int32_t position, Twig& twig);

}  // namespace leadscoring
