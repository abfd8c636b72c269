#pragma once

// The input of a compute kernel: plain pointers into tables that forest.cpp has validated and owns.
// Nothing here may use code of the standard library: this header is compiled once per instruction
// set, and the linker could pick an inline function compiled for a wider machine.

#include <cstddef>
#include <cstdint>

#include "cell_source.hpp"

namespace leadscoring {

constexpr int kLanes = 16;         // leads per block, and trees per group
constexpr int kMaxPadded = 8;      // maximum depth of a tree that is padded to a complete one
constexpr int kTwigDepth = 5;      // minimum depth of a tree with twigs
constexpr int kQuadChunk = 4;      // quadrature points processed at a time for a deep tree

// An inner node of a padded tree, by itself.
struct SingleNode {
    int32_t column, feature;
    float threshold, ratio;
    int32_t repeat;            // row of SingleTree::repeats, or -1
    int32_t code;              // see Group::code
};

// How the contributions of a twig are found.
enum class TwigKind : int32_t {
    leaf,      // it is one leaf, repeated
    eight,     // in a table of the 8 ways in which three nodes decide
    sixteen,   // in a table of 16, because a feature has been asked above, and the lead may have gone the other way there
    nodes,     // node by node: features have been asked at several places above
};

// The last two levels of a padded tree: three nodes with four leaves. What they contribute depends only on what they
// decide, apart from the weights of the path to them: see kernel_twigs.hpp.
struct Twig {
    TwigKind kind;
    int32_t code;              // TwigKind::sixteen: the levels above at which the lead must stay on the way
    int32_t column[3], feature[3];
    float threshold[3];
    float leaf;                // TwigKind::leaf
    const float* table;        // [value][way]
};

// A padded tree by itself, its positions one after the other: what many leads are scored with.
struct SingleTree {
    const SingleNode* nodes;
    const float* leaf;
    const float* repeats;      // [row][tau of each quadrature point, then kappa]; null if no feature repeats
    const Twig* twigs;         // of trees of kTwigDepth or more
};

// Sixteen consecutive trees, padded to complete trees of one depth, side by side:
// table[position * 16 + tree]. Position p has the children 2p + 1 and 2p + 2.
struct Group {
    int32_t depth, trees;
    const int32_t* column;     // compared column
    const int32_t* feature;    // feature that receives the contribution
    const float* threshold;
    const float* ratio;        // share of the training leads that goes left
    const float* leaf;
    const float* node;         // quadrature nodes and weights, (depth + 1) / 2 of each
    const float* weight;
    const int32_t* repeat;     // per position: row in the three tables below, or -1; null if no feature repeats
    const int32_t* code;       // per lane: bit l is set when the ancestor at level l has the same feature
    const float* tau;          // [row][quadrature point][tree]: see kernel_body.hpp
    const float* kappa;
    const SingleTree* single;  // the same trees, one by one
};

// An inner node of a tree that is too deep or too sparse to be padded.
struct DeepNode {
    int32_t column, feature;
    float threshold, ratio;
    float outer;               // share of the leads left by the nearest ancestor of the same feature
    int32_t outer_level;       // its level, or -1
    int32_t left, right;       // inner nodes, or ~index of a leaf
};

struct DeepTree {
    const DeepNode* nodes;     // null when the tree is one leaf
    const float* leaf;
    int32_t depth;
    int32_t points;            // a multiple of kQuadChunk; the padding has weight 0
    const float* node;
    const float* weight;
};

// Up to sixteen consecutive trees: one group, or deep trees one by one.
struct Segment {
    const Group* group;        // null: use the deep trees
    const DeepTree* deep;
    int32_t trees;
};

struct Trees {
    const Segment* segments;
    size_t n_segments;
    int32_t n_features, n_columns;
};

// One instruction set. Nodes compare columns: a feature with missing values already replaced by a
// value on the default side, or the result of a category split as -1 (left) or 1 (right).
struct Kernel {
    const char* name;
    size_t level_bytes;        // scratch memory for contributions, per level of the deepest deep tree
    // Layout: columns[column]; the margin is updated in place.
    void (*margin)(const Trees&, const float* columns, float* margin);
    // Layout: columns[column * 16 + lead]; the margins are updated in place.
    void (*margins)(const Trees&, const float* columns, float* margins);
    // Layout: columns[column]; adds to phi[feature]. Only for forests without deep trees.
    void (*contributions_one)(const Trees&, const float* columns, float* phi);
    // Layout: columns[block][column * 16 + lead]; adds to phi[block][feature * 16 + lead].
    void (*contributions)(const Trees&, const float* columns, size_t blocks, float* phi, void* scratch);
    // Layout: phi[feature * 16 + lead]; writes feature[k * 16 + lead] and value[k * 16 + lead], the strongest first, and
    // -1 and 0 where a lead has fewer contributions that are not 0.
    void (*strongest)(const float* phi, size_t features, int limit, int32_t* feature, float* value);
    // Writes the cells from `first` on as the trees see them, NaN for missing, and sets doubt[i] where one does not fit or
    // a required one is missing. Writes whole eights. `doubt` is aligned.
    void (*encode_cells)(const CellSource&, const CellRule&, size_t first, size_t count, float* out, int64_t* doubt);
};

extern const Kernel kBaseline;
#if defined(__x86_64__)
extern const Kernel kAvx2;
extern const Kernel kAvx512;
#endif

}  // namespace leadscoring
