#include "reasons.hpp"

#include <algorithm>
#include <utility>

namespace leadscoring {

namespace {

const Forest* trees_of(nb::handle forest) {
    if (!nb::isinstance<Forest>(forest)) throw nb::type_error("reasons are those of a forest");
    return nb::cast<const Forest*>(forest);
}

}  // namespace

ReasonFinder::ReasonFinder(nb::object forest, nb::handle numbers, nb::handle widths)
    : forest_(std::move(forest)), trees_(trees_of(forest_)) {
    if (!numbers.is_none()) numbers_.emplace(numbers);
    if (numbers_) {
        counts_ = numbers_->data();
        counted_ = numbers_->size();
    }
    if (counted_ % 2 != 0) throw nb::value_error("the numbers must be two a feature");
    if (widths.is_none()) return;
    size_t columns = 0;
    for (nb::handle width : widths) {
        widths_.push_back(nb::cast<size_t>(width));
        firsts_.push_back(int32_t(columns));
        columns += widths_.back();
        if (widths_.back() == 0) throw nb::value_error("a feature must have one column or more");
    }
    if (columns != size_t(trees_->n_features())) throw nb::value_error("the widths must add up to the forest's columns");
}

void ReasonFinder::sum(float* values, int32_t* leading) const {
    const float* column = values;
    for (size_t feature = 0; feature < widths_.size(); ++feature) {
        double sum = 0;
        size_t highest = 0, lowest = 0;
        for (size_t i = 0; i < widths_[feature]; ++i) {
            sum += double(column[i]);
            if (column[i] > column[highest]) highest = i;
            if (column[i] < column[lowest]) lowest = i;
        }
        leading[feature] = firsts_[feature] + int32_t(sum < 0 ? lowest : highest);
        column += widths_[feature];
        values[feature] = float(sum);
    }
}

void ReasonFinder::sum_block(const float* values, float* sums, int32_t* leading) const {
    float one[kLanes];
    for (size_t feature = 0; feature < widths_.size(); ++feature) {
        const float* columns = values + size_t(firsts_[feature]) * kLanes;
        if (widths_[feature] == 1) {  // a sum of one, with 0 for -0 as above
            std::fill(leading + feature * kLanes, leading + (feature + 1) * kLanes, firsts_[feature]);
            for (int lead = 0; lead < kLanes; ++lead) sums[feature * kLanes + size_t(lead)] = columns[lead] + 0.0f;
            continue;
        }
        for (int lead = 0; lead < kLanes; ++lead) {
            double sum = 0;
            size_t highest = 0, lowest = 0;
            for (size_t i = 0; i < widths_[feature]; ++i) {
                const float value = columns[i * kLanes + size_t(lead)];
                sum += double(value);
                if (value > columns[highest * kLanes + size_t(lead)]) highest = i;
                if (value < columns[lowest * kLanes + size_t(lead)]) lowest = i;
            }
            leading[feature * kLanes + size_t(lead)] = firsts_[feature] + int32_t(sum < 0 ? lowest : highest);
            one[lead] = float(sum);
        }
        std::copy(one, one + kLanes, sums + feature * kLanes);
    }
}

}  // namespace leadscoring
