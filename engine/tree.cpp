#include "tree.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace leadscoring {

namespace {

std::string at(const char* array, size_t index) { return std::string(array) + "[" + std::to_string(index) + "]"; }

[[noreturn]] void bad(const std::string& what) { throw BadModel(what); }

void check_length(const char* array, size_t size, size_t nodes) {
    if (size != nodes)
        bad(std::string(array) + " has " + std::to_string(size) + " entries for " + std::to_string(nodes) + " nodes");
}

void check_lengths(const RawTree& raw) {
    const size_t nodes = raw.left.size();
    if (nodes == 0) bad("left_children is empty: a tree needs at least one node");
    check_length("right_children", raw.right.size(), nodes);
    check_length("split_indices", raw.feature.size(), nodes);
    check_length("default_left", raw.default_left.size(), nodes);
    check_length("split_conditions", raw.condition.size(), nodes);
    check_length("sum_hessian", raw.cover.size(), nodes);
    check_length("loss_changes", raw.gain.size(), nodes);
    if (!raw.categorical.empty()) check_length("split_type", raw.categorical.size(), nodes);
    const size_t sets = raw.category_nodes.size();
    if (raw.category_segments.size() != sets || raw.category_sizes.size() != sets)
        bad("categories_nodes, categories_segments and categories_sizes have different lengths");
}

// Per node: the index of its category set, or -1.
std::vector<int32_t> category_sets(const RawTree& raw) {
    std::vector<int32_t> set_of(raw.left.size(), -1);
    int64_t total = 0;  // overlapping sets could expand a small file to a large forest
    for (size_t i = 0; i < raw.category_nodes.size(); ++i) {
        const int64_t node = raw.category_nodes[i], first = raw.category_segments[i], count = raw.category_sizes[i];
        if (node < 0 || node >= int64_t(raw.left.size()))
            bad(at("categories_nodes", i) + " is " + std::to_string(node) + ", not a node");
        if (set_of[node] >= 0) bad(at("categories_nodes", i) + " names node " + std::to_string(node) + " twice");
        if (first < 0 || count < 0 || first + count > int64_t(raw.categories.size()))
            bad(at("categories_segments", i) + " lies outside of categories");
        total += count;
        if (total > int64_t(raw.categories.size())) bad("categories_sizes add up to more than there are categories");
        set_of[node] = int32_t(i);
    }
    return set_of;
}

class Reader {
  public:
    Reader(const RawTree& raw, int32_t n_features, Columns& columns, Importance& importance,
           std::vector<int32_t>& categories)
        : raw_(raw), n_features_(n_features), columns_(columns), importance_(importance), categories_(categories) {
        check_lengths(raw);
        set_of_ = category_sets(raw);
    }

    Tree read() {
        const size_t nodes = raw_.left.size();
        std::vector<bool> reached(nodes, false);
        std::vector<Visit> stack{{0, -1, false, 0}};
        reached[0] = true;
        while (!stack.empty()) {
            const Visit visit = stack.back();
            stack.pop_back();
            const int32_t here = int32_t(tree_.nodes.size());
            tree_.nodes.emplace_back();
            if (visit.parent >= 0) link(visit, here);
            if (is_leaf(visit.node)) {
                read_leaf(visit, tree_.nodes[here]);
                continue;
            }
            if (visit.level >= kMaxDepth)
                throw TooMuch("the tree is deeper than " + std::to_string(kMaxDepth) + " levels, the most that is supported");
            read_split(visit, tree_.nodes[here]);
            for (const int32_t child : {raw_.right[visit.node], raw_.left[visit.node]}) {
                if (reached[child]) bad("node " + std::to_string(child) + " is the child of more than one node");
                reached[child] = true;
            }
            stack.push_back({raw_.right[visit.node], here, true, visit.level + 1});
            stack.push_back({raw_.left[visit.node], here, false, visit.level + 1});
        }
        for (size_t node = 0; node < nodes; ++node)
            if (!reached[node] && raw_.feature[node] != kDeleted)
                bad("node " + std::to_string(node) + " cannot be reached from the root");
        expect();
        return std::move(tree_);
    }

  private:
    static constexpr int32_t kDeleted = 2147483647;  // XGBoost's mark of pruned nodes

    struct Visit {
        int32_t node, parent;
        bool right;
        int32_t level;
    };

    struct Edge {  // an edge on the path to the current node
        int32_t feature;
        double share;    // of the leads that pass all splits on the feature so far
        int32_t before;  // the feature's previous level, to be restored
        uint64_t levels;
    };

    bool is_leaf(int32_t node) const {
        const bool left = raw_.left[node] == -1, right = raw_.right[node] == -1;
        if (left != right) bad("node " + std::to_string(node) + " has only one child");
        return left;
    }

    void unwind(int32_t level) {
        while (int32_t(path_.size()) > level) {
            const Edge& edge = path_.back();
            if (edge.before < 0) {
                last_.erase(edge.feature);
            } else {
                last_[edge.feature] = edge.before;
            }
            path_.pop_back();
        }
    }

    // Pushes the edge from the parent to the node `here`.
    void link(const Visit& visit, int32_t here) {
        unwind(visit.level - 1);
        Node& parent = tree_.nodes[visit.parent];
        (visit.right ? parent.right : parent.left) = here;
        const double ratio = visit.right ? 1.0 - double(parent.ratio) : double(parent.ratio);
        const uint64_t bit = visit.level - 1 < 64 ? uint64_t(1) << (visit.level - 1) : 0;
        path_.push_back({parent.feature, double(parent.outer) * ratio, parent.outer_level, parent.outer_levels | bit});
        last_[parent.feature] = visit.level - 1;
    }

    float finite(const char* array, const std::vector<float>& values, int32_t node) const {
        if (!std::isfinite(values[node])) bad(at(array, node) + " is not a finite number");
        return values[node];
    }

    // XGBoost on a GPU writes splits at infinity: all present values go one way, missing ones the other. Missing is
    // infinite here too (see Columns::number), so only the lowest float separates it from present values.
    float threshold(int32_t node) const {
        const float value = raw_.condition[node];
        if (std::isnan(value)) bad(at("split_conditions", node) + " is not a number");
        return std::max(value, std::numeric_limits<float>::lowest());
    }

    void read_leaf(const Visit& visit, Node& node) {
        node.value = finite("split_conditions", raw_.condition, visit.node);
        finite("sum_hessian", raw_.cover, visit.node);
        tree_.depth = std::max(tree_.depth, visit.level);
        tree_.features = std::max(tree_.features, int32_t(last_.size()));
    }

    void read_split(const Visit& visit, Node& node) {
        const int32_t i = visit.node, limit = int32_t(raw_.left.size());
        for (const auto& [name, child] : {std::pair<const char*, int32_t>{"left_children", raw_.left[i]},
                                          std::pair<const char*, int32_t>{"right_children", raw_.right[i]}})
            if (child < 0 || child >= limit)
                bad(at(name, i) + " is " + std::to_string(child) + ", not one of the " + std::to_string(limit) + " nodes");
        node.feature = raw_.feature[i];
        if (node.feature < 0 || node.feature >= n_features_)
            bad(at("split_indices", i) + " is " + std::to_string(node.feature) + ", but the model has " +
                std::to_string(n_features_) + " features");
        read_question(i, node);
        read_cover(i, node);
        const auto last = last_.find(node.feature);
        if (last != last_.end()) {
            node.outer_level = last->second;
            node.outer = float(path_[last->second].share);
            node.outer_levels = path_[last->second].levels;
        }
        ++tree_.inner;
        importance_.weight[node.feature] += 1;
        importance_.gain[node.feature] += finite("loss_changes", raw_.gain, i);
        importance_.cover[node.feature] += raw_.cover[i];
    }

    void read_question(int32_t i, Node& node) {
        const int32_t default_left = raw_.default_left[i];
        if (default_left != 0 && default_left != 1) bad(at("default_left", i) + " is neither 0 nor 1");
        const int32_t type = raw_.categorical.empty() ? 0 : raw_.categorical[i];
        if (type != 0 && type != 1) bad(at("split_type", i) + " is neither 0 (number) nor 1 (category)");
        if (type == 0) {
            node.threshold = threshold(i);
            node.column = columns_.number(node.feature, default_left);
            return;
        }
        if (set_of_[i] < 0) bad("node " + std::to_string(i) + " splits on categories, but categories_nodes lacks it");
        const int32_t first = raw_.category_segments[set_of_[i]], count = raw_.category_sizes[set_of_[i]];
        std::vector<int32_t> right(raw_.categories.begin() + first, raw_.categories.begin() + first + count);
        int32_t& seen = categories_[node.feature];
        seen = std::max(seen, 0);
        for (const int32_t category : right) {
            if (category < 0 || category >= kMaxCategory)
                bad("categories holds " + std::to_string(category) + ", which is not a category");
            seen = std::max(seen, category + 1);
        }
        node.column = provisional(columns_.category(node.feature, default_left, std::move(right)));
        node.threshold = 0;
    }

    void read_cover(int32_t i, Node& node) const {
        const double left = raw_.cover[raw_.left[i]], right = raw_.cover[raw_.right[i]];
        for (const double cover : {left, right, double(raw_.cover[i])})
            if (!std::isfinite(cover) || cover < 0) bad(at("sum_hessian", i) + " or a child of it is not a cover of 0 or more");
        // Without training leads at the node, both directions are equally likely.
        node.ratio = left + right > 0 ? float(left / (left + right)) : 0.5f;
    }

    void expect() {
        std::vector<double> mean(tree_.nodes.size());
        for (size_t i = tree_.nodes.size(); i-- > 0;) {
            const Node& node = tree_.nodes[i];
            mean[i] = node.leaf() ? double(node.value)
                                  : mean[node.right] + double(node.ratio) * (mean[node.left] - mean[node.right]);
        }
        tree_.expected = mean[0];
    }

    const RawTree& raw_;
    int32_t n_features_;
    Columns& columns_;
    Importance& importance_;
    std::vector<int32_t>& categories_;
    std::vector<int32_t> set_of_;
    std::vector<Edge> path_;
    std::map<int32_t, int32_t> last_;  // by feature on the path: the level of its last split
    Tree tree_;
};

}  // namespace

int32_t Columns::number(int32_t feature, bool default_left) {
    const auto [found, added] = number_of_.try_emplace({feature, default_left}, int32_t(numbers.size()));
    if (added) numbers.push_back({feature, default_left ? -HUGE_VALF : HUGE_VALF});
    return found->second;
}

int32_t Columns::category(int32_t feature, bool default_left, std::vector<int32_t> right) {
    std::sort(right.begin(), right.end());
    right.erase(std::unique(right.begin(), right.end()), right.end());
    const auto [found, added] =
        category_of_.try_emplace({feature, default_left, right}, int32_t(categories.size()));
    if (!added) return found->second;
    CategoryColumn column{feature, false, false, default_left ? -1.0f : 1.0f, uint32_t(sets.size()), 0, 0};
    column.small = right.empty() || right.back() < int32_t(kAnother);
    if (column.small) {
        for (const int32_t category : right) column.bits |= uint64_t(1) << category;
        if (!default_left) column.bits |= uint64_t(1) << kMissing;
        categories.push_back(column);
        return found->second;
    }
    const size_t words = right.empty() ? 0 : size_t(right.back()) / 32 + 1;
    column.sparse = words > 4 * right.size() + 8;
    if (column.sparse) {
        column.count = uint32_t(right.size());
        sets.insert(sets.end(), right.begin(), right.end());
    } else {
        column.count = uint32_t(words);
        sets.resize(sets.size() + words, 0);
        for (const int32_t category : right) sets[column.first + category / 32] |= uint32_t(1) << (category % 32);
    }
    categories.push_back(column);
    return found->second;
}

std::vector<int32_t> Columns::sort_categories() {
    std::vector<int32_t> order(categories.size()), place(categories.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int32_t a, int32_t b) { return categories[a].feature < categories[b].feature; });
    std::vector<CategoryColumn> sorted;
    for (size_t i = 0; i < order.size(); ++i) {
        place[order[i]] = int32_t(i);
        sorted.push_back(categories[order[i]]);
    }
    categories = std::move(sorted);
    return place;
}

Tree read_tree(const RawTree& raw, int32_t n_features, Columns& columns, Importance& importance,
               std::vector<int32_t>& categories) {
    return Reader(raw, n_features, columns, importance, categories).read();
}

}  // namespace leadscoring
