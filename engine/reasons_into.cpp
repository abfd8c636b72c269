#include "reasons_into.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace leadscoring {

namespace {

// Leads whose contributions are held at a time, so that they stay in the cache until the strongest are found.
constexpr size_t kTogether = 256;

struct Found {
    int32_t feature;
    float strength;
};

// Keeps the strongest of the contributions that are not 0, the first of equals first. Returns how many there are.
size_t strongest(const float* values, size_t features, size_t limit, Found* found) {
    size_t count = 0;
    float weakest = 0;  // of those found, once there are enough of them
    for (size_t feature = 0; feature < features; ++feature) {
        const float strength = std::fabs(values[feature]);
        if (!(strength > weakest)) continue;
        size_t at = count < limit ? count++ : limit - 1;
        for (; at > 0 && found[at - 1].strength < strength; --at) found[at] = found[at - 1];
        found[at] = {int32_t(feature), strength};
        if (count == limit) weakest = found[limit - 1].strength;
    }
    return count;
}

// The arrays that are filled, of one lead.
struct Out {
    int32_t* feature;
    double* contribution;
    int32_t* column;
    float* value;
};

class Writer {
  public:
    Writer(const ReasonFinder& finder, size_t limit)
        : finder_(finder),
          limit_(limit),
          features_(finder.sums() ? finder.features() : size_t(finder.forest().n_features())),
          found_(std::min(limit, features_)),
          leading_(features_) {}

    void write(float* contributions, const float* row, const Out& out) {
        if (finder_.sums()) finder_.sum(contributions, leading_.data());
        const size_t count = found_.empty() ? 0 : strongest(contributions, features_, found_.size(), found_.data());
        for (size_t i = 0; i < count; ++i) {
            const int32_t feature = found_[i].feature;
            const int32_t column = finder_.sums() ? leading_[size_t(feature)] : feature;
            out.feature[i] = feature;
            out.contribution[i] = double(contributions[feature]);
            out.column[i] = finder_.sums() ? column - finder_.first(size_t(feature)) : 0;
            out.value[i] = row[column];
        }
        for (size_t i = count; i < limit_; ++i) {
            out.feature[i] = -1;
            out.contribution[i] = 0;
            out.column[i] = 0;
            out.value[i] = std::numeric_limits<float>::quiet_NaN();
        }
    }

  private:
    const ReasonFinder& finder_;
    size_t limit_, features_;
    std::vector<Found> found_;
    std::vector<int32_t> leading_;
};

}  // namespace

void reasons_into(const ReasonFinder& finder, nb::handle rows, int64_t limit, nb::handle features,
                  nb::handle contributions, nb::handle columns, nb::handle values) {
    if (limit < 0) throw nb::value_error("limit must be 0 or more");
    const Forest& forest = finder.forest();
    const Given<float> from(rows);
    const Filled<int32_t> feature(features), column(columns);
    const Filled<double> contribution(contributions);
    const Filled<float> value(values);
    const size_t width = size_t(forest.n_features()), leads = from.size() / width, most = size_t(limit);
    from.check(leads * width, "rows");
    feature.check(leads * most, "features");
    contribution.check(leads * most, "contributions");
    column.check(leads * most, "columns");
    value.check(leads * most, "values");
    nb::gil_scoped_release release;
    std::vector<float> found(std::min(leads, kTogether) * (width + 1));
    Writer writer(finder, most);
    for (size_t first = 0; first < leads; first += kTogether) {
        const size_t count = std::min(leads - first, kTogether);
        forest.contributions(from.data() + first * width, count, found.data());
        for (size_t i = 0; i < count; ++i) {
            const size_t at = (first + i) * most;
            writer.write(found.data() + i * (width + 1), from.data() + (first + i) * width,
                         {feature.data() + at, contribution.data() + at, column.data() + at, value.data() + at});
        }
    }
}

}  // namespace leadscoring
