#pragma once

#include <map>
#include <tuple>

#include "forest.hpp"

namespace leadscoring {

// The distinct comparisons of a forest: nodes with the same comparison share a column.
class Columns {
  public:
    int32_t number(int32_t feature, bool default_left);
    // The categories (unsorted, validated) that go right.
    int32_t category(int32_t feature, bool default_left, std::vector<int32_t> right);

    // Groups category columns by feature; returns the new index of each. Call it last.
    std::vector<int32_t> sort_categories();

    std::vector<NumberColumn> numbers;
    std::vector<CategoryColumn> categories;
    std::vector<uint32_t> sets;

  private:
    std::map<std::pair<int32_t, bool>, int32_t> number_of_;
    std::map<std::tuple<int32_t, bool, std::vector<int32_t>>, int32_t> category_of_;
};

// The provisional index of a category column while trees are read (the final ones follow the numeric columns),
// and its inverse.
inline int32_t provisional(int32_t category_column) { return -1 - category_column; }

// Validates every index and number of the tree, or throws BadModel; updates importance and category counts.
Tree read_tree(const RawTree& raw, int32_t n_features, Columns& columns, Importance& importance,
               std::vector<int32_t>& categories);

}  // namespace leadscoring
