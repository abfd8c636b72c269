#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernel.hpp"

namespace leadscoring {

constexpr int32_t kMaxFeatures = 65535;
constexpr int32_t kMaxDepth = 512;
constexpr int32_t kMaxCategory = 16777215;  // beyond this, float32 cannot represent every integer

// A model file is damaged or inconsistent.
struct BadModel : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// A model is valid, but exceeds the limits of this engine.
struct TooMuch : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

// One tree as in the file: untrusted.
struct RawTree {
    std::vector<int32_t> left, right, feature, default_left, categorical;
    std::vector<float> condition;  // threshold of a split, or value of a leaf
    std::vector<float> cover, gain;
    std::vector<int32_t> categories, category_nodes, category_segments, category_sizes;
};

// One node of a validated tree, in preorder.
struct Node {
    int32_t column = -1, feature = -1;
    float threshold = 0, ratio = 0.5f;
    float outer = 1;           // see DeepNode
    int32_t outer_level = -1;
    uint64_t outer_levels = 0;  // all levels with the same feature above, as bits (the first 64)
    int32_t left = -1, right = -1;
    float value = 0;           // leaf value
    bool leaf() const { return left < 0; }
};

struct Tree {
    std::vector<Node> nodes;
    int32_t depth = 0, features = 0;  // maximum number of edges, and of distinct features, on a path
    int32_t inner = 0;
    double expected = 0;
};

// A numeric column: missing values go left or right by default.
struct NumberColumn {
    int32_t feature;
    float missing;
};

// Sets of this many categories fit into one word, with a bit each for "another" and "missing".
constexpr uint32_t kAnother = 62, kMissing = 63;

// The categories that go right, as a bit field or, if that would waste memory, as a sorted list.
struct CategoryColumn {
    int32_t feature;
    bool small, sparse;
    float missing;
    uint32_t first, count;
    uint64_t bits;  // of a small set: the direction of each category, kAnother and kMissing
};

template <class T>
class Aligned {  // a table aligned for vector loads
  public:
    Aligned() = default;
    explicit Aligned(size_t size, T value = T()) : storage_(size + 64 / sizeof(T), value), size_(size) {}
    T* data() {
        const auto address = reinterpret_cast<uintptr_t>(storage_.data());
        return reinterpret_cast<T*>((address + 63) & ~uintptr_t(63));
    }
    size_t size() const { return size_; }

  private:
    std::vector<T> storage_;
    size_t size_ = 0;
};

struct Importance {
    std::vector<double> gain, cover;
    std::vector<int64_t> weight;
};

// The values of up to sixteen leads: values[feature * by_feature + lead * by_lead].
struct LeadValues {
    const float* values;
    size_t by_feature, by_lead;
    float at(int32_t feature, size_t lead) const { return values[size_t(feature) * by_feature + lead * by_lead]; }
};

// Leads of a table that are scored together, so that what is known of them stays in the cache.
constexpr size_t kPart = 256;

class Forest {
  public:
    Forest(int32_t n_features, float base_margin, const std::vector<RawTree>& trees);
    Forest(const Forest&) = delete;

    int32_t n_features() const { return n_features_; }
    int32_t n_trees() const { return n_trees_; }
    int32_t max_depth() const { return max_depth_; }
    int64_t n_nodes() const { return n_nodes_; }
    float base_value() const { return base_value_; }
    const Importance& importance() const { return importance_; }
    // Per feature: how many categories its splits distinguish (largest code + 1), or -1 for a number.
    const std::vector<int32_t>& categories() const { return categories_; }
    size_t bytes() const { return bytes_; }

    // Layout: rows[lead * n_features + feature], NaN for missing; margins[lead].
    void margins(const float* rows, size_t leads, float* margins) const;
    // Layout: contributions[lead * (n_features + 1) + feature], with the base value last.
    void contributions(const float* rows, size_t leads, float* contributions) const;
    // Scores up to kPart leads that are given by column: values[feature * step + lead]. Returns their contributions, if
    // they are wanted, block by block: [block][feature * 16 + lead], valid until the next call of this thread.
    const float* score_columns(const float* values, size_t step, size_t leads, float* margins, bool explained) const;

  private:
    friend class ForestBuilder;
    float column(const CategoryColumn& column, float value) const;
    void fill_categories(const LeadValues& cells, size_t leads, size_t stride, float* columns) const;
    void fill_one(const float* row, float* columns) const;
    void fill_block(const LeadValues& cells, size_t leads, float* columns) const;
    void contributions_one(const Kernel& kernel, const float* row, float* contributions) const;
    void contributions_chunk(const Kernel& kernel, const float* rows, size_t leads, float* contributions) const;

    int32_t n_features_, n_trees_, max_depth_ = 0, deep_depth_ = 0, n_columns_ = 0;
    int64_t n_nodes_ = 0;
    float base_margin_, base_value_ = 0;
    bool deep_ = false;
    size_t bytes_ = 0;
    Importance importance_;
    std::vector<int32_t> categories_;
    std::vector<NumberColumn> numbers_;
    std::vector<CategoryColumn> category_columns_;
    std::vector<uint32_t> sets_;
    std::vector<Aligned<float>> floats_;
    std::vector<Aligned<int32_t>> ints_;
    std::vector<std::vector<DeepNode>> deep_nodes_;
    std::vector<std::vector<DeepTree>> deep_trees_;
    std::vector<std::vector<SingleNode>> single_nodes_;
    std::vector<std::vector<Twig>> twigs_;
    std::vector<std::vector<SingleTree>> single_trees_;
    std::vector<Group> groups_;
    std::vector<Segment> segments_;
    Trees view_{};
};

// The active kernel: the widest that the machine supports, unless overridden.
const Kernel& kernel();
std::vector<const Kernel*> kernels();
void use_kernel(const std::string& name);

}  // namespace leadscoring
