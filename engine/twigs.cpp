#include "twigs.hpp"

#include <algorithm>

namespace leadscoring {

namespace {

// A node of a twig, as it decides for one way.
struct Decided {
    float step;
    std::vector<float> g, kappa;
};

class TwigTable {
  public:
    TwigTable(const SingleTree& tree, const Group& group, int32_t position)
        : tree_(tree),
          points_((group.depth + 1) / 2),
          quadrature_(group.node),
          level_(group.depth - 2),
          at_{position, 2 * position + 1, 2 * position + 2},
          leaf_(tree.leaf + 4 * (position - ((1 << level_) - 1))) {}

    std::vector<float> fill(Twig& twig) const {
        twig = Twig{};
        for (int i = 0; i < 3; ++i) {
            twig.column[i] = node(i).column;
            twig.feature[i] = node(i).feature;
            twig.threshold[i] = node(i).threshold;
        }
        twig.leaf = leaf_[0];
        twig.kind = kind(twig.code);
        if (twig.kind == TwigKind::leaf || twig.kind == TwigKind::nodes) return {};
        const int ways = twig.kind == TwigKind::sixteen ? 16 : 8;
        std::vector<float> table(size_t(ways) * 4 * points_);
        for (int way = 0; way < ways; ++way) fill_way(way, ways, table);
        return table;
    }

  private:
    const SingleNode& node(int i) const { return tree_.nodes[at_[i]]; }

    TwigKind kind(int32_t& code) const {
        if (std::all_of(leaf_, leaf_ + 4, [this](float leaf) { return leaf == leaf_[0]; })) return TwigKind::leaf;
        const int32_t above = (1 << level_) - 1;
        for (int i = 0; i < 3; ++i) {
            const int32_t levels = node(i).code & above;
            if (levels != 0 && code != 0 && levels != code) return TwigKind::nodes;
            code |= levels;
        }
        return code != 0 ? TwigKind::sixteen : TwigKind::eight;
    }

    // `missed` are the levels at which the lead goes another way.
    Decided decide(int i, bool left, int32_t missed) const {
        const SingleNode& from = node(i);
        Decided found{(left ? 1.0f : 0.0f) - from.ratio, {}, {}};
        if ((from.code & missed) != 0) found.step = 0;
        for (int q = 0; q < points_; ++q) {
            const float* repeats = from.repeat < 0 ? nullptr : tree_.repeats + from.repeat * 2 * points_;
            const float tau = repeats ? repeats[q] : quadrature_[q];
            found.g.push_back(from.ratio + tau * found.step);
            found.kappa.push_back(repeats ? repeats[points_ + q] : 1.0f);
        }
        return found;
    }

    // The operations of twig_nodes in kernel_twigs.hpp, one by one.
    void fill_way(int way, int ways, std::vector<float>& table) const {
        const bool left = way & 1;
        const int32_t missed = way & 8 ? (1 << level_) - 1 : 0, bit = 1 << level_;
        const Decided top = decide(0, left, missed), a = decide(1, way & 2, left ? missed : missed | bit),
                      b = decide(2, way & 4, left ? missed | bit : missed);
        const float low_a = leaf_[1], difference_a = leaf_[0] - low_a;
        const float low_b = leaf_[3], difference_b = leaf_[2] - low_b;
        const float gain_a = a.step * difference_a, gain_b = b.step * difference_b;
        float* to = table.data() + way;
        for (int q = 0; q < points_; ++q) {
            const float HR = low_b + b.g[q] * difference_b, difference = (low_a + a.g[q] * difference_a) - HR;
            to[q * ways] = HR + top.g[q] * difference;
            to[(points_ + q) * ways] = top.step * (top.kappa[q] * difference);
            to[(2 * points_ + q) * ways] = gain_a * (a.kappa[q] * top.g[q]);
            to[(3 * points_ + q) * ways] = gain_b * (b.kappa[q] * (1.0f - top.g[q]));
        }
    }

    const SingleTree& tree_;
    int points_;
    const float* quadrature_;
    int32_t level_, at_[3];
    const float* leaf_;
};

}  // namespace

std::vector<float> twig_table(const SingleTree& tree, const Group& group, int32_t position, Twig& twig) {
    return TwigTable(tree, group, position).fill(twig);
}

}  // namespace leadscoring
