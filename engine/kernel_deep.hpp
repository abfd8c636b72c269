// Part of kernel_body.hpp: trees too deep to pad. The same recurrences, node by node, for one block of
// leads, with an explicit stack in the caller's memory, because the file determines the depth.

struct Level {
    Vec P[kQuadChunk], g[kQuadChunk], weight[kQuadChunk], HL[kQuadChunk];
    Vec step;
    Int left, active;
    Int taken;       // whether the lead satisfies all splits on the feature, including this one
    int32_t node;
    bool right;      // which child is being visited
};

LEADSCORING_INLINE void deep_enter(const DeepNode& node, const float* t, const float* columns, Level* levels, Level& here) {
    const Vec ratio = all(node.ratio);
    here.left = load(columns + size_t(node.column) * kLanes) < all(node.threshold);
    here.step = keep(here.left, all(1.0f)) - ratio;
    if (node.outer_level < 0) {
        here.active = all(int32_t(-1));
        for (int q = 0; q < kQuadChunk; ++q) {
            here.g[q] = ratio + all(t[q]) * here.step;
            here.weight[q] = here.P[q];
        }
        return;
    }
    here.active = levels[node.outer_level].taken;
    here.step = keep(here.active, here.step);
    for (int q = 0; q < kQuadChunk; ++q) {
        const float known = node.outer + t[q] * (1.0f - node.outer);
        here.g[q] = ratio + all(t[q] / known) * here.step;
        here.weight[q] = here.P[q] * all(node.outer / (known * known));
    }
}

LEADSCORING_INLINE void deep_leave(const DeepNode& node, const Level& here, const Vec (&HR)[kQuadChunk],
                                   Vec (&H)[kQuadChunk], float* phi) {
    Vec sum = Vec{};
    for (int q = 0; q < kQuadChunk; ++q) {
        const Vec difference = here.HL[q] - HR[q];
        H[q] = HR[q] + here.g[q] * difference;
        sum = q == 0 ? here.weight[q] * difference : sum + here.weight[q] * difference;
    }
    float* total = phi + size_t(node.feature) * kLanes;
    store(total, load(total) + here.step * sum);
}

void deep_points(const DeepTree& tree, const float* t, const float* weight, const float* columns, float* phi,
                 Level* levels) {
    int level = 0;
    int32_t at = 0;
    for (int q = 0; q < kQuadChunk; ++q) levels[0].P[q] = all(weight[q]);
    for (;;) {
        Level* here = levels + level;
        const DeepNode* node = tree.nodes + at;
        here->node = at;
        deep_enter(*node, t, columns, levels, *here);
        if (node->left >= 0) {
            here->right = false;
            here->taken = here->active & here->left;
            for (int q = 0; q < kQuadChunk; ++q) here[1].P[q] = here->P[q] * here->g[q];
            at = node->left;
            ++level;
            continue;
        }
        for (int q = 0; q < kQuadChunk; ++q) here->HL[q] = all(tree.leaf[~node->left]);
        for (;;) {  // the left child of `here` is done; go right, or up
            if (node->right >= 0) {
                here->right = true;
                here->taken = here->active & ~here->left;
                for (int q = 0; q < kQuadChunk; ++q) here[1].P[q] = here->P[q] - here->P[q] * here->g[q];
                at = node->right;
                ++level;
                break;
            }
            Vec H[kQuadChunk], HR[kQuadChunk];
            for (int q = 0; q < kQuadChunk; ++q) HR[q] = all(tree.leaf[~node->right]);
            deep_leave(*node, *here, HR, H, phi);
            for (;;) {
                if (level == 0) return;
                here = levels + --level;
                node = tree.nodes + here->node;
                if (!here->right) break;
                for (int q = 0; q < kQuadChunk; ++q) HR[q] = H[q];
                deep_leave(*node, *here, HR, H, phi);
            }
            for (int q = 0; q < kQuadChunk; ++q) here->HL[q] = H[q];
        }
    }
}

void deep_tree(const DeepTree& tree, const float* columns, float* phi, Level* levels) {
    if (!tree.nodes) return;
    for (int point = 0; point < tree.points; point += kQuadChunk)
        deep_points(tree, tree.node + point, tree.weight + point, columns, phi, levels);
}
