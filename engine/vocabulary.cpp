#include "vocabulary.hpp"

#include <algorithm>
#include <cstring>

namespace leadscoring {

uint64_t Vocabulary::hash(std::string_view text) {
    constexpr uint64_t kFactor = 0x9E3779B97F4A7C15;
    uint64_t state = text.size() * kFactor;
    while (text.size() > 8) {
        uint64_t word;
        std::memcpy(&word, text.data(), 8);
        state = (state ^ word) * kFactor;
        state ^= state >> 32;
        text.remove_prefix(8);
    }
    uint64_t last = 0;
    if (!text.empty()) std::memcpy(&last, text.data(), text.size());
    state = (state ^ last) * kFactor;
    return state ^ state >> 29;
}

void Vocabulary::grow() {
    slots_.assign(std::max<size_t>(16, slots_.size() * 2), -1);
    mask_ = slots_.size() - 1;
    for (size_t i = 0; i < entries_.size(); ++i) {
        size_t slot = hash(entries_[i].text) & mask_;
        while (slots_[slot] >= 0) slot = (slot + 1) & mask_;
        slots_[slot] = int32_t(i);
    }
}

Vocabulary::Entry& Vocabulary::at(std::string_view text) {
    if (const Entry* known = find(text)) return entries_[size_t(known - entries_.data())];
    entries_.push_back({std::string(text)});
    longest_ = std::max(longest_, text.size());
    if (2 * entries_.size() > slots_.size()) {
        grow();
    } else {
        size_t slot = hash(text) & mask_;
        while (slots_[slot] >= 0) slot = (slot + 1) & mask_;
        slots_[slot] = int32_t(entries_.size() - 1);
    }
    return entries_.back();
}

}  // namespace leadscoring
