// Part of kernel_body.hpp: margins, summed as XGBoost does: leaf by leaf in the order of the trees.

LEADSCORING_INLINE float deep_leaf(const DeepTree& tree, const float* columns, size_t stride) {
    if (!tree.nodes) return tree.leaf[0];
    int32_t at = 0;
    do {
        const DeepNode& node = tree.nodes[at];
        at = columns[size_t(node.column) * stride] < node.threshold ? node.left : node.right;
    } while (at >= 0);
    return tree.leaf[~at];
}

// Level by level, so that the sixteen chains of dependent loads overlap.
LEADSCORING_INLINE float walk_group(const Group& group, const float* columns, size_t stride, float sum) {
    int32_t at[kLanes] = {};
    for (int level = 0; level < group.depth; ++level)
        for (int tree = 0; tree < kLanes; ++tree) {
            const size_t slot = size_t(at[tree]) * kLanes + tree;
            at[tree] = 2 * at[tree] + 2 - (columns[size_t(group.column[slot]) * stride] < group.threshold[slot]);
        }
    const int inner = (1 << group.depth) - 1;
    for (int tree = 0; tree < group.trees; ++tree) sum += group.leaf[size_t(at[tree] - inner) * kLanes + tree];
    return sum;
}

void margin(const Trees& trees, const float* columns, float* margin) {
    float sum = *margin;
    for (size_t i = 0; i < trees.n_segments; ++i) {
        const Segment& segment = trees.segments[i];
        if (!segment.group) {
            for (int tree = 0; tree < segment.trees; ++tree) sum += deep_leaf(segment.deep[tree], columns, 1);
            continue;
        }
        sum = walk_group(*segment.group, columns, 1, sum);
    }
    *margin = sum;
}

template <int Below>
struct Pick {
    static LEADSCORING_INLINE Vec body(const OneTree& side, int at) {
        const Int left = side.left(at);
        const Vec a = Pick<Below - 1>::run(side, 2 * at + 1), b = Pick<Below - 1>::run(side, 2 * at + 2);
        return left ? a : b;
    }
    static __attribute__((noinline)) Vec call(const OneTree& side, int at) { return body(side, at); }
    static LEADSCORING_INLINE Vec run(const OneTree& side, int at) {
        if constexpr (Below % 4 == 0) {
            return call(side, at);
        } else {
            return body(side, at);
        }
    }
};

template <int Depth>
LEADSCORING_INLINE void pick(const Group& group, const float* columns, float* sums) {
    for (int first = 0; first < kLanes; first += W) {
        Vec sum = load(sums + first);
        for (int tree = 0; tree < group.trees; ++tree)
            sum = sum + Pick<Depth>::run(OneTree{group, group.single[tree], columns + first, nullptr}, 0);
        store(sums + first, sum);
    }
}

template <>
struct Pick<0> {
    static LEADSCORING_INLINE Vec run(const OneTree& side, int at) {
        return side.leaf(at - ((1 << side.group.depth) - 1));
    }
};

// Evaluating all nodes for sixteen leads at once is faster than traversing the tree per lead only for shallow
// trees; wider registers raise that depth.
constexpr int kPickDepth = W == 16 ? 6 : W == 8 ? 4 : 3;

void group_margins(const Group& group, const float* columns, float* sums) {
    if (group.depth > kPickDepth) {
        for (int lead = 0; lead < kLanes; ++lead) sums[lead] = walk_group(group, columns + lead, kLanes, sums[lead]);
        return;
    }
    switch (group.depth) {
        case 0: return pick<0>(group, columns, sums);
        case 1: return pick<1>(group, columns, sums);
        case 2: return pick<2>(group, columns, sums);
        case 3: return pick<3>(group, columns, sums);
        case 4: return pick<4>(group, columns, sums);
        case 5: return pick<5>(group, columns, sums);
        default: return pick<6>(group, columns, sums);
    }
}

void margins(const Trees& trees, const float* columns, float* sums) {
    for (size_t i = 0; i < trees.n_segments; ++i) {
        const Segment& segment = trees.segments[i];
        if (segment.group) {
            group_margins(*segment.group, columns, sums);
            continue;
        }
        for (int tree = 0; tree < segment.trees; ++tree)
            for (int lead = 0; lead < kLanes; ++lead)
                sums[lead] += deep_leaf(segment.deep[tree], columns + lead, kLanes);
    }
}
