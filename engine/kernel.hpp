#pragma once

// What a compute kernel sees: plain pointers into tables that forest.cpp has checked and owns.
// Nothing here may pull in code from the standard library: this header is compiled once per
// instruction set, and a shared inline function could be the wrong one on a narrower machine.

#include <cstddef>
#include <cstdint>

namespace leadscoring {

constexpr int kLanes = 16;         // leads of a block, and trees of a group
constexpr int kMaxPadded = 8;      // deepest tree that is padded to a complete one
constexpr int kQuadChunk = 4;      // quadrature points that a deep tree takes at a time

// Sixteen consecutive trees, padded to complete trees of one depth, side by side:
// table[position * 16 + tree]. Position p has the children 2p + 1 and 2p + 2.
struct Group {
    int32_t depth, trees;
    const int32_t* column;     // what is compared
    const int32_t* feature;    // whom the contribution is for
    const float* threshold;
    const float* ratio;        // share of the training leads that goes left
    const float* leaf;
    const float* node;         // quadrature nodes and weights, (depth + 1) / 2 of each
    const float* weight;
    const int32_t* repeat;     // per position: row in the three tables below, or -1; null if none repeats
    const int32_t* code;       // per lane: bit l is set when the ancestor at level l has the same feature
    const float* tau;          // [row][quadrature point][tree]: see kernel_body.hpp
    const float* kappa;
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
    int32_t points;            // a multiple of kQuadChunk; the surplus weighs nothing
    const float* node;
    const float* weight;
};

// A run of sixteen trees or fewer: one group, or deep trees one by one.
struct Segment {
    const Group* group;        // null: take the deep trees
    const DeepTree* deep;
    int32_t trees;
};

struct Trees {
    const Segment* segments;
    size_t n_segments;
    int32_t n_features, n_columns;
};

// One instruction set. Columns are what nodes compare: a feature with its missing values already
// sent to one side, or the answer of a category split as -1 (left) or 1 (right).
struct Kernel {
    const char* name;
    size_t level_bytes;        // scratch that contributions need for each level of the deepest deep tree
    // columns[column]; margin in and out.
    void (*margin)(const Trees&, const float* columns, float* margin);
    // columns[column * 16 + lead]; margins in and out.
    void (*margins)(const Trees&, const float* columns, float* margins);
    // columns[column]; adds to phi[feature]. Only for forests without deep trees.
    void (*contributions_one)(const Trees&, const float* columns, float* phi);
    // columns[block][column * 16 + lead]; adds to phi[block][feature * 16 + lead].
    void (*contributions)(const Trees&, const float* columns, size_t blocks, float* phi, void* scratch);
};

extern const Kernel kBaseline;
#if defined(__x86_64__)
extern const Kernel kAvx2;
extern const Kernel kAvx512;
#endif

}  // namespace leadscoring
