// Passes rows of leads to the kernels, one by one or in blocks of sixteen.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "forest.hpp"

namespace leadscoring {

namespace {

// From this number of leads on, a partly filled block of sixteen is faster than one lead at a time.
constexpr size_t kWorthABlock = 10;
// Bytes of columns and sums that are processed together: they must fit into the L2 cache.
constexpr size_t kWorkingSet = 384 * 1024;

class Scratch {  // per-thread memory, reused between calls
  public:
    float* floats(size_t count) { return grown(floats_, count); }
    float* more_floats(size_t count) { return grown(more_floats_, count); }
    float* bytes(size_t count) { return grown(levels_, (count + 3) / 4); }

  private:
    static float* grown(Aligned<float>& memory, size_t count) {
        if (memory.size() < count || memory.size() == 0) memory = Aligned<float>(count + 1);
        return memory.data();
    }
    Aligned<float> floats_, more_floats_, levels_;
};

thread_local Scratch scratch;

}  // namespace

// XGBoost's rule: codes are truncated to integers; members of the set go right, all others left.
float Forest::column(const CategoryColumn& column, float value) const {
    if (std::isnan(value)) return column.missing;
    if (value < 0 || value >= float(kMaxCategory)) return -1.0f;
    const uint32_t code = uint32_t(value);
    const uint32_t* set = sets_.data() + column.first;
    if (column.sparse) return std::binary_search(set, set + column.count, code) ? 1.0f : -1.0f;
    return code / 32 < column.count && (set[code / 32] >> (code % 32) & 1) ? 1.0f : -1.0f;
}

// Layout: columns[column * stride + lead], for category columns only.
void Forest::fill_categories(const LeadValues& cells, size_t leads, size_t stride, float* columns) const {
    uint32_t code[kLanes];
    int32_t coded = -1;
    for (const CategoryColumn& category : category_columns_) {
        if (!category.small) {
            for (size_t lead = 0; lead < leads; ++lead) columns[lead] = column(category, cells.at(category.feature, lead));
        } else {
            for (size_t lead = 0; lead < leads && coded != category.feature; ++lead) {
                const float value = cells.at(category.feature, lead);
                code[lead] = value >= 0 && value < float(kAnother) ? uint32_t(value)
                             : std::isnan(value)                   ? kMissing
                                                                   : kAnother;
            }
            coded = category.feature;
            for (size_t lead = 0; lead < leads; ++lead) {
                // Branchless: the bit becomes the sign of a one.
                const uint32_t one = 0xbf800000u ^ (uint32_t(category.bits >> code[lead] & 1) << 31);
                std::memcpy(columns + lead, &one, sizeof one);
            }
        }
        columns += stride;
    }
}

void Forest::fill_one(const float* row, float* columns) const {
    for (const NumberColumn& number : numbers_) {
        const float value = row[number.feature];
        *columns++ = value != value ? number.missing : value;
    }
    fill_categories({row, 1, size_t(n_features_)}, 1, 1, columns);
}

void Forest::fill_block(const LeadValues& cells, size_t leads, float* columns) const {
    if (leads < size_t(kLanes)) std::memset(columns, 0, sizeof(float) * kLanes * n_columns_);
    for (const NumberColumn& number : numbers_) {
        for (size_t lead = 0; lead < leads; ++lead) {
            const float value = cells.at(number.feature, lead);
            columns[lead] = value != value ? number.missing : value;
        }
        columns += kLanes;
    }
    fill_categories(cells, leads, kLanes, columns);
}

void Forest::margins(const float* rows, size_t leads, float* margins) const {
    const Kernel& with = kernel();
    float* columns = scratch.floats(size_t(n_columns_) * kLanes);
    size_t lead = 0;
    for (; leads - lead >= kWorthABlock; lead += std::min<size_t>(kLanes, leads - lead)) {
        const size_t count = std::min<size_t>(kLanes, leads - lead);
        alignas(64) float sums[kLanes];
        std::fill(sums, sums + kLanes, base_margin_);
        fill_block({rows + lead * n_features_, 1, size_t(n_features_)}, count, columns);
        with.margins(view_, columns, sums);
        std::copy(sums, sums + count, margins + lead);
    }
    for (; lead < leads; ++lead) {
        margins[lead] = base_margin_;
        fill_one(rows + lead * n_features_, columns);
        with.margin(view_, columns, margins + lead);
    }
}

void Forest::contributions_one(const Kernel& with, const float* row, float* contributions) const {
    float* columns = scratch.floats(n_columns_);
    fill_one(row, columns);
    std::fill(contributions, contributions + n_features_, 0.0f);
    with.contributions_one(view_, columns, contributions);
    contributions[n_features_] = base_value_;
}

void Forest::contributions_chunk(const Kernel& with, const float* rows, size_t leads, float* contributions) const {
    const size_t blocks = (leads + kLanes - 1) / kLanes, width = size_t(n_features_);
    float* columns = scratch.floats(blocks * n_columns_ * kLanes);
    float* phi = scratch.more_floats(blocks * width * kLanes);
    std::fill(phi, phi + blocks * width * kLanes, 0.0f);
    for (size_t block = 0; block < blocks; ++block)
        fill_block({rows + block * kLanes * width, 1, width}, std::min<size_t>(kLanes, leads - block * kLanes),
                   columns + block * n_columns_ * kLanes);
    with.contributions(view_, columns, blocks, phi, scratch.bytes(with.level_bytes * (size_t(deep_depth_) + 1)));
    for (size_t lead = 0; lead < leads; ++lead) {
        const float* from = phi + lead / kLanes * width * kLanes + lead % kLanes;
        float* to = contributions + lead * (width + 1);
        for (size_t feature = 0; feature < width; ++feature) to[feature] = from[feature * kLanes];
        to[width] = base_value_;
    }
}

void Forest::contributions(const float* rows, size_t leads, float* contributions) const {
    const Kernel& with = kernel();
    const size_t block_bytes = sizeof(float) * kLanes * (size_t(n_columns_) + n_features_);
    const size_t chunk = kLanes * std::clamp<size_t>(kWorkingSet / block_bytes, 1, 16);
    for (size_t lead = 0; lead < leads;) {
        size_t count = std::min(chunk, leads - lead);
        // A small remainder after whole blocks is processed one by one.
        if (!deep_ && count > size_t(kLanes) && count % kLanes < kWorthABlock) count -= count % kLanes;
        if (!deep_ && count < kWorthABlock) {
            contributions_one(with, rows + lead * n_features_, contributions + lead * (n_features_ + 1));
            ++lead;
            continue;
        }
        contributions_chunk(with, rows + lead * n_features_, count, contributions + lead * (n_features_ + 1));
        lead += count;
    }
}

const float* Forest::score_columns(const float* values, size_t step, size_t leads, float* margins,
                                   bool explained) const {
    const Kernel& with = kernel();
    const size_t blocks = (leads + kLanes - 1) / kLanes, width = size_t(n_features_);
    const size_t columns_size = size_t(n_columns_) * kLanes, phi_size = width * kLanes;
    float* columns = scratch.floats(blocks * columns_size);
    for (size_t block = 0; block < blocks; ++block) {
        const size_t first = block * kLanes, count = std::min<size_t>(kLanes, leads - first);
        alignas(64) float sums[kLanes];
        std::fill(sums, sums + kLanes, base_margin_);
        fill_block({values + first, step, 1}, count, columns + block * columns_size);
        with.margins(view_, columns + block * columns_size, sums);
        std::copy(sums, sums + count, margins + first);
    }
    if (!explained) return nullptr;
    float* phi = scratch.more_floats(blocks * phi_size);
    std::fill(phi, phi + blocks * phi_size, 0.0f);
    with.contributions(view_, columns, blocks, phi, scratch.bytes(with.level_bytes * (size_t(deep_depth_) + 1)));
    return phi;
}

}  // namespace leadscoring
