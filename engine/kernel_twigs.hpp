// Part of kernel_body.hpp: the last two levels of trees of depth 5 and more, where three quarters of the nodes are.
//
// A twig is a node with its two children and four leaves. With P the product of the weights above, which alone depends
// on the rest of the lead, it hands up H and adds for each of its nodes
//
//     contribution = sum over q of P[q] * D[q]
//
// where H and D depend only on the ways that the three nodes go, and on whether the lead has stayed on the way at an
// earlier split on the same feature. So many leads look H and D up, in a table that twigs.cpp computes with the very
// operations below; one lead, and what has no table, computes them. Both have the same bits.

constexpr int kTwigPoints = (kTwigDepth + 1) / 2;

// What one node of a twig decides: whether a lead goes left, and the terms that this makes.
template <int Q, bool Repeats, class Side>
LEADSCORING_INLINE Int twig_node(const Side& side, int at, Int missed, Vec& step, Vec (&g)[Q], Vec (&kappa)[Q]) {
    const Vec ratio = side.ratio(at);
    const Int left = side.left(at);
    step = keep(left, all(1.0f)) - ratio;
    const int row = Repeats ? side.repeat(at) : -1;
    if (Repeats && row >= 0) {
        step = keep((side.code(at, row) & missed) == 0, step);
        for (int q = 0; q < Q; ++q) {
            g[q] = ratio + side.template tau<Q>(row, q) * step;
            kappa[q] = side.template kappa<Q>(row, q);
        }
    } else {
        for (int q = 0; q < Q; ++q) {
            g[q] = ratio + all(side.node(q)) * step;
            kappa[q] = all(1.0f);
        }
    }
    return left;
}

template <int Q>
LEADSCORING_INLINE Vec weighed(const Vec (&P)[Q], const Vec (&D)[Q]) {
    Vec sum = P[0] * D[0];
    for (int q = 1; q < Q; ++q) sum = sum + P[q] * D[q];
    return sum;
}

template <int Q, bool Repeats, class Side>
LEADSCORING_INLINE void twig_nodes(const Side& side, int at, int level, Int missed, const Vec (&P)[Q], Vec (&H)[Q]) {
    const int a = 2 * at + 1, b = a + 1, leaf = 2 * a + 1 - ((1 << (level + 2)) - 1);
    const Int bit = all(int32_t(1) << level);
    Vec step, step_a, step_b, g[Q], ga[Q], gb[Q], kappa[Q], kappa_a[Q], kappa_b[Q], D[Q];
    const Int left = twig_node<Q, Repeats>(side, at, missed, step, g, kappa);
    twig_node<Q, Repeats>(side, a, Repeats ? missed | (bit & ~left) : missed, step_a, ga, kappa_a);
    twig_node<Q, Repeats>(side, b, Repeats ? missed | (bit & left) : missed, step_b, gb, kappa_b);
    const Vec low_a = side.leaf(leaf + 1), difference_a = side.leaf(leaf) - low_a;
    const Vec low_b = side.leaf(leaf + 3), difference_b = side.leaf(leaf + 2) - low_b;
    const Vec gain_a = step_a * difference_a, gain_b = step_b * difference_b;
    for (int q = 0; q < Q; ++q) D[q] = gain_a * (kappa_a[q] * g[q]);
    side.add(a, weighed(P, D));
    for (int q = 0; q < Q; ++q) D[q] = gain_b * (kappa_b[q] * (all(1.0f) - g[q]));
    side.add(b, weighed(P, D));
    for (int q = 0; q < Q; ++q) {
        const Vec HR = low_b + gb[q] * difference_b, difference = (low_a + ga[q] * difference_a) - HR;
        H[q] = HR + g[q] * difference;
        D[q] = step * (kappa[q] * difference);
    }
    side.add(at, weighed(P, D));
}

template <int Q, bool Repeats>
LEADSCORING_INLINE void twig(const OneLead& side, int at, int level, Int missed, const Vec (&P)[Q], Vec (&H)[Q]) {
    twig_nodes<Q, Repeats>(side, at, level, missed, P, H);
}

template <int Q, bool Repeats>
__attribute__((noinline)) void twig_apart(const OneTree& side, int at, int level, Int missed, const Vec (&P)[Q],
                                          Vec (&H)[Q]) {
    twig_nodes<Q, Repeats>(side, at, level, missed, P, H);
}

// Copies keep P and H in registers on the other ways.
template <int Q, bool Repeats>
LEADSCORING_INLINE void twig_without_table(const OneTree& side, int at, int level, Int missed, const Vec (&P)[Q],
                                           Vec (&H)[Q]) {
    Vec given[Q], found[Q];
    for (int q = 0; q < Q; ++q) given[q] = P[q];
    twig_apart<Q, Repeats>(side, at, level, missed, given, found);
    for (int q = 0; q < Q; ++q) H[q] = found[q];
}

#if LEADSCORING_LANES == 16
struct Look {  // the ways of sixteen leads
    Int way, upper;
    LEADSCORING_INLINE explicit Look(Int way) : way(way), upper(way + all(int32_t(8))) {}
    static LEADSCORING_INLINE Vec pick(const float* table, Int way) {
        return Vec(_mm512_permutexvar_ps(reinterpret_cast<__m512i>(way), _mm512_load_ps(table)));
    }
    LEADSCORING_INLINE Vec eight(const float* table, int value) const {
        return pick(table + value / 2 * 16, value % 2 ? upper : way);
    }
    LEADSCORING_INLINE Vec sixteen(const float* table, int value) const { return pick(table + value * 16, way); }
};
#elif LEADSCORING_LANES == 8
struct Look {  // the ways of eight leads
    Int way, high;
    LEADSCORING_INLINE explicit Look(Int way) : way(way), high(way > all(int32_t(7))) {}
    LEADSCORING_INLINE Vec eight(const float* table, int value) const {
        return Vec(_mm256_permutevar8x32_ps(_mm256_load_ps(table + value * 8), reinterpret_cast<__m256i>(way)));
    }
    LEADSCORING_INLINE Vec sixteen(const float* table, int value) const {
        return high ? eight(table, value * 2 + 1) : eight(table, value * 2);
    }
};
#endif

#if LEADSCORING_LANES == 4
// Without an instruction that looks up, computing is faster.
template <int Q, bool Repeats>
LEADSCORING_INLINE void twig(const OneTree& side, int at, int level, Int missed, const Vec (&P)[Q], Vec (&H)[Q]) {
    const Twig& twig = side.tree.twigs[at - ((1 << level) - 1)];
    if (twig.kind == TwigKind::leaf) {
        for (int q = 0; q < Q; ++q) H[q] = all(twig.leaf);
        return;
    }
    twig_without_table<Q, Repeats>(side, at, level, missed, P, H);
}
#else
template <int Q, bool Sixteen, int Node>
LEADSCORING_INLINE Vec look_up_node(const Look& look, const float* table, const Vec (&P)[Q]) {
    Vec D[Q];
    for (int q = 0; q < Q; ++q) {
        const int value = (Node + 1) * Q + q;
        D[q] = Sixteen ? look.sixteen(table, value) : look.eight(table, value);
    }
    return weighed(P, D);
}

template <int Q, bool Sixteen>
LEADSCORING_INLINE void look_up(const OneTree& side, const Twig& twig, Int way, const Vec (&P)[Q], Vec (&H)[Q]) {
    const Look look(way);
    const float* table = twig.table;
    float *phi = side.phi, *top = phi + size_t(twig.feature[0]) * kLanes, *a = phi + size_t(twig.feature[1]) * kLanes,
          *b = phi + size_t(twig.feature[2]) * kLanes;
    for (int q = 0; q < Q; ++q) H[q] = Sixteen ? look.sixteen(table, q) : look.eight(table, q);
    const Vec from_a = look_up_node<Q, Sixteen, 1>(look, table, P), from_b = look_up_node<Q, Sixteen, 2>(look, table, P),
              from_top = look_up_node<Q, Sixteen, 0>(look, table, P);
    store(a, load(a) + from_a);
    store(b, load(b) + from_b);
    store(top, load(top) + from_top);
}

template <int Q, bool Repeats>
LEADSCORING_INLINE void twig(const OneTree& side, int at, int level, Int missed, const Vec (&P)[Q], Vec (&H)[Q]) {
    const Twig& twig = side.tree.twigs[at - ((1 << level) - 1)];
    if (twig.kind == TwigKind::leaf) {
        for (int q = 0; q < Q; ++q) H[q] = all(twig.leaf);
        return;
    }
    if (Repeats && twig.kind == TwigKind::nodes) return twig_without_table<Q, Repeats>(side, at, level, missed, P, H);
    Int way = Int{};
    for (int node = 0; node < 3; ++node)
        way |= side.less(twig.column[node], twig.threshold[node]) & all(int32_t(1) << node);
    if (Repeats && twig.kind == TwigKind::sixteen)
        return look_up<Q, true>(side, twig, way | (((all(twig.code) & missed) != 0) & all(int32_t(8))), P, H);
    look_up<Q, false>(side, twig, way, P, H);
}
#endif
