// The kernel itself, included once per instruction set (hence no include guard).
//
// Contributions are Shapley values of the path-dependent game (Lundberg et al. 2020), computed as the
// integral over t in [0, 1] of the derivative of the game's multilinear extension, in which each
// feature is known with probability t (Owen 1972). Below a node, with z the share of the training leads that
// goes left and o = 1 if the lead does, the extension takes the left child with weight
// g = z + t * (o - z), so
//
//     H(node) = H(right) + g * (H(left) - H(right))
//     contribution = integral of P(node) * (H(left) - H(right)) * (o - z)
//
// where P is the product of the weights above. Below a split on the same feature that left a share Z
// (its nearest ancestor), t becomes tau = t / (Z + t * (1 - Z)) if the lead is still on the way there,
// with kappa = d tau / d t, and o - z becomes 0 if it is not. A path with m distinct features makes a
// polynomial of degree m - 1, so Gauss-Legendre with m / 2 points is exact. Every weight lies in
// [0, 1], and scoring needs no division: stable at any depth.
//
// The operations of one lead, and their order, are the same for one lead (trees side by side) and for
// many (leads side by side), and for every vector width: scores are bit-identical. That forbids fused
// multiply-add and any other reassociation (-ffp-contract=off).

namespace leadscoring {
namespace {

constexpr int W = LEADSCORING_LANES;
typedef float Vec __attribute__((vector_size(W * 4), may_alias));
typedef int32_t Int __attribute__((vector_size(W * 4), may_alias));

#if defined(LEADSCORING_SANITIZE)
#define LEADSCORING_INLINE inline  // sanitizer checks would make the inlined code huge
#else
#define LEADSCORING_INLINE inline __attribute__((always_inline))
#endif

LEADSCORING_INLINE Vec load(const float* from) { return *reinterpret_cast<const Vec*>(from); }
LEADSCORING_INLINE Int load(const int32_t* from) { return *reinterpret_cast<const Int*>(from); }
LEADSCORING_INLINE void store(float* to, Vec value) { *reinterpret_cast<Vec*>(to) = value; }

#if LEADSCORING_LANES == 4
#define LEADSCORING_EACH(f) f(0), f(1), f(2), f(3)
#elif LEADSCORING_LANES == 8
#define LEADSCORING_EACH(f) f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7)
#else
#define LEADSCORING_EACH(f) \
    f(0), f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12), f(13), f(14), f(15)
#endif

LEADSCORING_INLINE Vec all(float x) {
#define LEADSCORING_SAME(i) x
    return Vec{LEADSCORING_EACH(LEADSCORING_SAME)};
}
LEADSCORING_INLINE Int all(int32_t x) { return Int{LEADSCORING_EACH(LEADSCORING_SAME)}; }
LEADSCORING_INLINE Vec gather(const float* from, const int32_t* at) {
#define LEADSCORING_PICK(i) from[at[i]]
    return Vec{LEADSCORING_EACH(LEADSCORING_PICK)};
}
LEADSCORING_INLINE Vec keep(Int mask, Vec value) {
    return reinterpret_cast<Vec>(reinterpret_cast<Int>(value) & mask);
}

// One lead: lanes are trees; contributions are buffered and added in the order of the trees.
struct OneLead {
    const Group& group;
    const float* columns;
    float* contribution;  // [position][tree]
    int first;            // the tree in the first lane

    LEADSCORING_INLINE Int left(int at) const {
        return gather(columns, group.column + at * kLanes + first) < load(group.threshold + at * kLanes + first);
    }
    LEADSCORING_INLINE Vec ratio(int at) const { return load(group.ratio + at * kLanes + first); }
    LEADSCORING_INLINE Vec leaf(int at) const { return load(group.leaf + at * kLanes + first); }
    LEADSCORING_INLINE float node(int q) const { return group.node[q]; }
    LEADSCORING_INLINE int repeat(int at) const { return group.repeat[at]; }
    LEADSCORING_INLINE Int code(int, int row) const { return load(group.code + row * kLanes + first); }
    template <int Q>
    LEADSCORING_INLINE Vec tau(int row, int q) const { return load(group.tau + (row * Q + q) * kLanes + first); }
    template <int Q>
    LEADSCORING_INLINE Vec kappa(int row, int q) const { return load(group.kappa + (row * Q + q) * kLanes + first); }
    LEADSCORING_INLINE void add(int at, Vec value) const { store(contribution + at * kLanes + first, value); }
};

// One tree: lanes are the leads of a block.
struct OneTree {
    const Group& group;
    const SingleTree& tree;
    const float* columns;  // [column][lead]
    float* phi;            // [feature][lead]

    LEADSCORING_INLINE Int less(int32_t column, float threshold) const {
        return load(columns + size_t(column) * kLanes) < all(threshold);
    }
    LEADSCORING_INLINE Int left(int at) const { return less(tree.nodes[at].column, tree.nodes[at].threshold); }
    LEADSCORING_INLINE Vec ratio(int at) const { return all(tree.nodes[at].ratio); }
    LEADSCORING_INLINE Vec leaf(int at) const { return all(tree.leaf[at]); }
    LEADSCORING_INLINE float node(int q) const { return group.node[q]; }
    LEADSCORING_INLINE int repeat(int at) const { return tree.nodes[at].repeat; }
    LEADSCORING_INLINE Int code(int at, int) const { return all(tree.nodes[at].code); }
    template <int Q>
    LEADSCORING_INLINE Vec tau(int row, int q) const { return all(tree.repeats[row * 2 * Q + q]); }
    template <int Q>
    LEADSCORING_INLINE Vec kappa(int row, int q) const { return all(tree.repeats[row * 2 * Q + Q + q]); }
    LEADSCORING_INLINE void add_to(int32_t feature, Vec value) const {
        float* sum = phi + size_t(feature) * kLanes;
        store(sum, load(sum) + value);
    }
    LEADSCORING_INLINE void add(int at, Vec value) const { add_to(tree.nodes[at].feature, value); }
};

#include "kernel_twigs.hpp"

template <int Q, int Below, bool Repeats, class Side>
struct Walk {
    static LEADSCORING_INLINE void body(const Side& side, int at, int level, Int missed, const Vec (&P)[Q], Vec (&H)[Q]);
    static __attribute__((noinline)) void call(const Side& side, int at, int level, Int missed, const Vec (&P)[Q],
                                               Vec (&H)[Q]) {
        body(side, at, level, missed, P, H);
    }
    static LEADSCORING_INLINE void run(const Side& side, int at, int level, Int missed, const Vec (&P)[Q],
                                       Vec (&H)[Q]) {
        // Three levels at a time keep the code small enough for the instruction cache; twigs are part of the last three.
        if constexpr (Below % 3 == (Q >= kTwigPoints ? 1 : 0)) {
            call(side, at, level, missed, P, H);
        } else {
            body(side, at, level, missed, P, H);
        }
    }
};

template <int Q, int Below, bool Repeats, class Side>
LEADSCORING_INLINE void Walk<Q, Below, Repeats, Side>::body(const Side& side, int at, int level, Int missed,
                                                            const Vec (&P)[Q], Vec (&H)[Q]) {
    if constexpr (Below == 2 && Q >= kTwigPoints) {
        twig<Q, Repeats>(side, at, level, missed, P, H);
        return;
    }
    const Int left = side.left(at);
    const Vec ratio = side.ratio(at);
    Vec step = keep(left, all(1.0f)) - ratio;
    Vec g[Q], weight[Q];
    const int row = Repeats ? side.repeat(at) : -1;
    if (Repeats && row >= 0) {
        step = keep((side.code(at, row) & missed) == 0, step);
        for (int q = 0; q < Q; ++q) {
            g[q] = ratio + side.template tau<Q>(row, q) * step;
            weight[q] = P[q] * side.template kappa<Q>(row, q);
        }
    } else {
        for (int q = 0; q < Q; ++q) {
            g[q] = ratio + all(side.node(q)) * step;
            weight[q] = P[q];
        }
    }
    if constexpr (Below == 1) {
        const int leaf = 2 * at + 1 - ((1 << (level + 1)) - 1);
        const Vec low = side.leaf(leaf + 1), difference = side.leaf(leaf) - low;
        Vec sum = weight[0];
        for (int q = 1; q < Q; ++q) sum = sum + weight[q];
        for (int q = 0; q < Q; ++q) H[q] = low + g[q] * difference;
        side.add(at, step * (difference * sum));
    } else {
        Vec down[Q], HL[Q], HR[Q];
        const Int bit = all(int32_t(1) << level);
        for (int q = 0; q < Q; ++q) down[q] = P[q] * g[q];
        Walk<Q, Below - 1, Repeats, Side>::run(side, 2 * at + 1, level + 1, Repeats ? missed | (bit & ~left) : missed,
                                               down, HL);
        for (int q = 0; q < Q; ++q) down[q] = P[q] - down[q];
        Walk<Q, Below - 1, Repeats, Side>::run(side, 2 * at + 2, level + 1, Repeats ? missed | (bit & left) : missed,
                                               down, HR);
        Vec sum;
        for (int q = 0; q < Q; ++q) {
            const Vec difference = HL[q] - HR[q];
            H[q] = HR[q] + g[q] * difference;
            sum = q == 0 ? weight[q] * difference : sum + weight[q] * difference;
        }
        side.add(at, step * sum);
    }
}

template <int Depth, bool Repeats, class Side>
LEADSCORING_INLINE void walk(const Side& side) {
    constexpr int Q = (Depth + 1) / 2;
    Vec P[Q], H[Q];
    for (int q = 0; q < Q; ++q) P[q] = all(side.group.weight[q]);
    Walk<Q, Depth, Repeats, Side>::run(side, 0, 0, Int{}, P, H);
}

// The order in which a traversal of n nodes adds contributions: both children before their parent.
template <int n>
struct Upwards {
    uint8_t at[n] = {};
    constexpr Upwards() { fill(0, 0); }
    constexpr int fill(int node, int next) {
        if (2 * node + 1 < n) next = fill(2 * node + 2, fill(2 * node + 1, next));
        at[next] = uint8_t(node);
        return next + 1;
    }
};
template <int n>
constexpr Upwards<n> kUpwards{};

template <int Depth, bool Repeats>
void one_lead(const Group& group, const float* columns, float* phi) {
    constexpr int n = (1 << Depth) - 1;
    alignas(64) float contribution[n * kLanes];
    for (int first = 0; first < kLanes; first += W) walk<Depth, Repeats>(OneLead{group, columns, contribution, first});
    for (int tree = 0; tree < group.trees; ++tree)
        for (int i = 0; i < n; ++i) {
            const int slot = kUpwards<n>.at[i] * kLanes + tree;
            phi[group.feature[slot]] += contribution[slot];
        }
}

template <int Depth, bool Repeats>
void one_tree(const Group& group, const SingleTree& tree, const float* columns, size_t blocks, size_t columns_size,
              float* phi, size_t phi_size) {
    for (size_t block = 0; block < blocks; ++block)
        for (int first = 0; first < kLanes; first += W)
            walk<Depth, Repeats>(
                OneTree{group, tree, columns + block * columns_size + first, phi + block * phi_size + first});
}

// Calls function<depth, repeats>; single-leaf trees contribute nothing.
#define LEADSCORING_DEPTHS(depth, repeats, function, ...)                                           \
    switch (depth * 2 + repeats) {                                                                  \
        case 2: return function<1, false>(__VA_ARGS__);                                             \
        case 4: return function<2, false>(__VA_ARGS__);                                             \
        case 5: return function<2, true>(__VA_ARGS__);                                              \
        case 6: return function<3, false>(__VA_ARGS__);                                             \
        case 7: return function<3, true>(__VA_ARGS__);                                              \
        case 8: return function<4, false>(__VA_ARGS__);                                             \
        case 9: return function<4, true>(__VA_ARGS__);                                              \
        case 10: return function<5, false>(__VA_ARGS__);                                            \
        case 11: return function<5, true>(__VA_ARGS__);                                             \
        case 12: return function<6, false>(__VA_ARGS__);                                            \
        case 13: return function<6, true>(__VA_ARGS__);                                             \
        case 14: return function<7, false>(__VA_ARGS__);                                            \
        case 15: return function<7, true>(__VA_ARGS__);                                             \
        case 16: return function<8, false>(__VA_ARGS__);                                            \
        case 17: return function<8, true>(__VA_ARGS__);                                             \
        default: return;                                                                            \
    }

void group_one_lead(const Group& group, const float* columns, float* phi) {
    LEADSCORING_DEPTHS(group.depth, (group.repeat != nullptr), one_lead, group, columns, phi)
}

void single_tree(const Group& group, const SingleTree& tree, const float* columns, size_t blocks, size_t columns_size,
                 float* phi, size_t phi_size) {
    LEADSCORING_DEPTHS(group.depth, (tree.repeats != nullptr), one_tree, group, tree, columns, blocks, columns_size,
                       phi, phi_size)
}

#include "kernel_deep.hpp"
#include "kernel_margins.hpp"
#include "kernel_strongest.hpp"
#include "kernel_cells.hpp"

void contributions_one(const Trees& trees, const float* columns, float* phi) {
    for (size_t i = 0; i < trees.n_segments; ++i) group_one_lead(*trees.segments[i].group, columns, phi);
}

void contributions(const Trees& trees, const float* columns, size_t blocks, float* phi, void* scratch) {
    const size_t columns_size = size_t(trees.n_columns) * kLanes, phi_size = size_t(trees.n_features) * kLanes;
    for (size_t i = 0; i < trees.n_segments; ++i) {
        const Segment& segment = trees.segments[i];
        if (segment.group) {
            for (int tree = 0; tree < segment.trees; ++tree)
                single_tree(*segment.group, segment.group->single[tree], columns, blocks, columns_size, phi, phi_size);
            continue;
        }
        for (int tree = 0; tree < segment.trees; ++tree)
            for (size_t block = 0; block < blocks; ++block)
                for (int first = 0; first < kLanes; first += W)
                    deep_tree(segment.deep[tree], columns + block * columns_size + first,
                              phi + block * phi_size + first, static_cast<Level*>(scratch));
    }
}

}  // namespace

extern const Kernel LEADSCORING_KERNEL = {
    LEADSCORING_NAME, sizeof(Level), margin, margins, contributions_one, contributions, strongest, encode_cells,
};

}  // namespace leadscoring
