#include "forest.hpp"

#include <algorithm>
#include <cmath>

#include "quadrature.hpp"
#include "tree.hpp"
#include "twigs.hpp"

namespace leadscoring {

// Lays out validated trees for the kernels.
class ForestBuilder {
  public:
    explicit ForestBuilder(Forest& forest) : forest_(forest) {}

    void add(const Tree* trees, int32_t count) {
        int32_t depth = 0, features = 0;
        int64_t inner = 0;
        for (int32_t i = 0; i < count; ++i) {
            depth = std::max(depth, trees[i].depth);
            features = std::max(features, trees[i].features);
            inner += trees[i].inner;
        }
        // Up to 64 leaves, padding costs little; up to 256, it pays if at least a third of the positions is used.
        const bool padded = depth <= 6 || (depth <= kMaxPadded && inner * 3 >= int64_t(count) << depth);
        if (padded) {
            add_group(trees, count, depth);
        } else {
            add_deep(trees, count, features);
        }
    }

  private:
    const float* quadrature(int32_t points, bool weights, int32_t padded) {
        const Quadrature rule = gauss_legendre(points);
        Aligned<float> table(padded, weights ? 0.0f : 0.5f);
        for (int32_t q = 0; q < points; ++q) table.data()[q] = float(weights ? rule.weight[q] : rule.node[q]);
        return keep(std::move(table));
    }

    const float* keep(Aligned<float> table) {
        forest_.bytes_ += table.size() * sizeof(float);
        forest_.floats_.push_back(std::move(table));
        return forest_.floats_.back().data();
    }

    const int32_t* keep(Aligned<int32_t> table) {
        forest_.bytes_ += table.size() * sizeof(int32_t);
        forest_.ints_.push_back(std::move(table));
        return forest_.ints_.back().data();
    }

    // Null for a table without numbers.
    const float* keep(const std::vector<float>& values) {
        if (values.empty()) return nullptr;
        Aligned<float> table(values.size());
        std::copy(values.begin(), values.end(), table.data());
        return keep(std::move(table));
    }

    template <class T>
    const T* keep(std::vector<T> values, std::vector<std::vector<T>>& among) {
        forest_.bytes_ += values.size() * sizeof(T);
        among.push_back(std::move(values));
        return among.back().data();
    }

    struct Padded {
        Aligned<int32_t> column, feature;
        Aligned<float> threshold, ratio, leaf;
        std::vector<float> outer;
        std::vector<int32_t> code;
    };

    // Inserts the subtree of `node` at a position of the complete tree; a leaf fills all positions below it.
    void place(const Tree& tree, int32_t node, int32_t position, int32_t inner, int32_t lane, Padded& to) {
        const Node& from = tree.nodes[node];
        if (position >= inner) {
            to.leaf.data()[size_t(position - inner) * kLanes + lane] = from.value;
            return;
        }
        if (!from.leaf()) {
            const size_t slot = size_t(position) * kLanes + lane;
            to.column.data()[slot] = from.column;
            to.feature.data()[slot] = from.feature;
            to.threshold.data()[slot] = from.threshold;
            to.ratio.data()[slot] = from.ratio;
            to.outer[slot] = from.outer;
            to.code[slot] = int32_t(from.outer_levels);
        }
        place(tree, from.leaf() ? node : from.left, 2 * position + 1, inner, lane, to);
        place(tree, from.leaf() ? node : from.right, 2 * position + 2, inner, lane, to);
    }

    void add_group(const Tree* trees, int32_t count, int32_t depth) {
        const int32_t inner = (1 << depth) - 1, points = (depth + 1) / 2;
        const size_t slots = size_t(inner) * kLanes;
        Padded padded{Aligned<int32_t>(slots), Aligned<int32_t>(slots), Aligned<float>(slots),
                      Aligned<float>(slots, 0.5f), Aligned<float>(size_t(inner + 1) * kLanes),
                      std::vector<float>(slots, 1.0f), std::vector<int32_t>(slots, 0)};
        for (int32_t lane = 0; lane < count; ++lane) place(trees[lane], 0, 0, inner, lane, padded);
        Group group{};
        group.depth = depth;
        group.trees = count;
        if (depth > 0) {
            group.node = quadrature(points, false, points);
            group.weight = quadrature(points, true, points);
            add_repeats(group, padded, inner, points);
        }
        group.column = keep(std::move(padded.column));
        group.feature = keep(std::move(padded.feature));
        group.threshold = keep(std::move(padded.threshold));
        group.ratio = keep(std::move(padded.ratio));
        group.leaf = keep(std::move(padded.leaf));
        group.single = add_singles(group, padded.code);
        forest_.groups_.push_back(group);
        forest_.segments_.push_back({nullptr, nullptr, count});
    }

    void add_repeats(Group& group, const Padded& padded, int32_t inner, int32_t points) {
        Aligned<int32_t> repeat(inner, -1);
        std::vector<int32_t> positions;
        for (int32_t position = 0; position < inner; ++position) {
            const int32_t* code = padded.code.data() + size_t(position) * kLanes;
            if (std::all_of(code, code + kLanes, [](int32_t bits) { return bits == 0; })) continue;
            repeat.data()[position] = int32_t(positions.size());
            positions.push_back(position);
        }
        if (positions.empty()) return;
        Aligned<int32_t> code(positions.size() * kLanes);
        Aligned<float> tau(positions.size() * points * kLanes), kappa(positions.size() * points * kLanes);
        for (size_t row = 0; row < positions.size(); ++row)
            for (int32_t lane = 0; lane < kLanes; ++lane) {
                const size_t slot = size_t(positions[row]) * kLanes + lane;
                code.data()[row * kLanes + lane] = padded.code[slot];
                for (int32_t q = 0; q < points; ++q) {
                    const float t = group.node[q], known = padded.outer[slot] + t * (1.0f - padded.outer[slot]);
                    tau.data()[(row * points + q) * kLanes + lane] = t / known;
                    kappa.data()[(row * points + q) * kLanes + lane] = padded.outer[slot] / (known * known);
                }
            }
        group.repeat = keep(std::move(repeat));
        group.code = keep(std::move(code));
        group.tau = keep(std::move(tau));
        group.kappa = keep(std::move(kappa));
    }

    // The trees of a group once more, each by itself.
    const SingleTree* add_singles(const Group& group, const std::vector<int32_t>& code) {
        std::vector<SingleTree> singles(group.trees);
        for (int32_t lane = 0; lane < group.trees; ++lane) {
            const int32_t inner = (1 << group.depth) - 1;
            std::vector<SingleNode> nodes(inner);
            std::vector<float> repeats;
            for (int32_t position = 0; position < inner; ++position)
                nodes[position] = single_node(group, size_t(position) * kLanes + lane, code, repeats);
            Aligned<float> leaf(inner + 1);
            for (int32_t i = 0; i <= inner; ++i) leaf.data()[i] = group.leaf[size_t(i) * kLanes + lane];
            singles[lane].leaf = keep(std::move(leaf));
            singles[lane].repeats = keep(repeats);
            singles[lane].nodes = keep(std::move(nodes), forest_.single_nodes_);
            if (group.depth >= kTwigDepth) add_twigs(group, singles[lane]);
        }
        return keep(std::move(singles), forest_.single_trees_);
    }

    // Appends to `repeats` if the feature has been asked above.
    static SingleNode single_node(const Group& group, size_t slot, const std::vector<int32_t>& code,
                                  std::vector<float>& repeats) {
        const int32_t points = (group.depth + 1) / 2;
        SingleNode node{group.column[slot], group.feature[slot], group.threshold[slot], group.ratio[slot], -1, code[slot]};
        if (node.code == 0) return node;
        node.repeat = int32_t(repeats.size()) / (2 * points);
        const size_t position = slot / kLanes, lane = slot % kLanes, row = size_t(group.repeat[position]);
        for (const float* table : {group.tau, group.kappa})
            for (int32_t q = 0; q < points; ++q) repeats.push_back(table[(row * points + q) * kLanes + lane]);
        return node;
    }

    void add_twigs(const Group& group, SingleTree& tree) {
        const int32_t count = 1 << (group.depth - 2);
        std::vector<Twig> twigs(count);
        for (int32_t i = 0; i < count; ++i) twigs[i].table = keep(twig_table(tree, group, count - 1 + i, twigs[i]));
        tree.twigs = keep(std::move(twigs), forest_.twigs_);
    }

    void add_deep(const Tree* trees, int32_t count, int32_t features) {
        const int32_t points = (features + 1) / 2, padded = (points + kQuadChunk - 1) / kQuadChunk * kQuadChunk;
        const float* node = quadrature(points, false, padded);
        const float* weight = quadrature(points, true, padded);
        std::vector<DeepTree> views;
        for (int32_t i = 0; i < count; ++i) {
            DeepTree view{nullptr, nullptr, trees[i].depth, padded, node, weight};
            add_deep_nodes(trees[i], view);
            views.push_back(view);
            forest_.deep_depth_ = std::max(forest_.deep_depth_, trees[i].depth);
        }
        forest_.deep_ = true;
        forest_.deep_trees_.push_back(std::move(views));
        forest_.segments_.push_back({nullptr, forest_.deep_trees_.back().data(), count});
    }

    void add_deep_nodes(const Tree& tree, DeepTree& view) {
        std::vector<int32_t> place(tree.nodes.size());
        int32_t inner = 0, leaves = 0;
        for (size_t i = 0; i < tree.nodes.size(); ++i) place[i] = tree.nodes[i].leaf() ? ~leaves++ : inner++;
        std::vector<DeepNode> nodes;
        Aligned<float> leaf(leaves);
        for (size_t i = 0; i < tree.nodes.size(); ++i) {
            const Node& from = tree.nodes[i];
            if (from.leaf()) {
                leaf.data()[~place[i]] = from.value;
            } else {
                nodes.push_back({from.column, from.feature, from.threshold, from.ratio, from.outer, from.outer_level,
                                 place[from.left], place[from.right]});
            }
        }
        view.leaf = keep(std::move(leaf));
        forest_.bytes_ += nodes.size() * sizeof(DeepNode);
        forest_.deep_nodes_.push_back(std::move(nodes));
        view.nodes = forest_.deep_nodes_.back().empty() ? nullptr : forest_.deep_nodes_.back().data();
    }

    Forest& forest_;
};

Forest::Forest(int32_t n_features, float base_margin, const std::vector<RawTree>& trees)
    : n_features_(n_features), n_trees_(int32_t(trees.size())), base_margin_(base_margin) {
    if (n_features < 1 || n_features > kMaxFeatures)
        throw BadModel("num_feature is " + std::to_string(n_features) + ", not from 1 to " + std::to_string(kMaxFeatures));
    if (!std::isfinite(base_margin)) throw BadModel("base_score makes a margin that is not finite");
    importance_.gain.assign(n_features, 0);
    importance_.cover.assign(n_features, 0);
    importance_.weight.assign(n_features, 0);
    categories_.assign(n_features, -1);
    Columns columns;
    std::vector<Tree> checked;
    double expected = base_margin;
    for (size_t i = 0; i < trees.size(); ++i) {
        try {
            checked.push_back(read_tree(trees[i], n_features, columns, importance_, categories_));
        } catch (const BadModel& error) {
            throw BadModel("trees[" + std::to_string(i) + "]: " + error.what());
        } catch (const TooMuch& error) {
            throw TooMuch("trees[" + std::to_string(i) + "]: " + error.what());
        }
        const Tree& tree = checked.back();
        expected += tree.expected;
        max_depth_ = std::max(max_depth_, tree.depth);
        n_nodes_ += int64_t(tree.nodes.size());
    }
    base_value_ = float(expected);
    const std::vector<int32_t> place = columns.sort_categories();
    numbers_ = std::move(columns.numbers);
    category_columns_ = std::move(columns.categories);
    sets_ = std::move(columns.sets);
    n_columns_ = int32_t(numbers_.size() + category_columns_.size());
    for (Tree& tree : checked)
        for (Node& node : tree.nodes)
            if (!node.leaf() && node.column < 0) node.column = int32_t(numbers_.size()) + place[provisional(node.column)];
    ForestBuilder builder(*this);
    for (size_t i = 0; i < checked.size(); i += kLanes)
        builder.add(checked.data() + i, int32_t(std::min<size_t>(kLanes, checked.size() - i)));
    size_t next = 0;  // only now are the addresses of the groups final
    for (Segment& segment : segments_)
        if (!segment.deep) segment.group = &groups_[next++];
    view_ = {segments_.data(), segments_.size(), n_features_, n_columns_};
}

}  // namespace leadscoring
