#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leadscoring {

// A table from texts to what is known of them, for many lookups of texts that mostly are not in it.
class Vocabulary {
  public:
    struct Entry {
        std::string text;
        int32_t place = -1;  // a column, or -1
        float weight = 0;
        bool weighed = false;
    };
    // Returns the entry of a text, a new one if there is none. References end with the next call.
    Entry& at(std::string_view text);
    const Entry* find(std::string_view text) const {
        if (text.size() > longest_ || entries_.empty()) return nullptr;
        for (size_t slot = hash(text) & mask_; slots_[slot] >= 0; slot = (slot + 1) & mask_)
            if (entries_[size_t(slots_[slot])].text == text) return &entries_[size_t(slots_[slot])];
        return nullptr;
    }
    bool empty() const { return entries_.empty(); }

  private:
    static uint64_t hash(std::string_view text);
    void grow();

    std::vector<Entry> entries_;
    std::vector<int32_t> slots_;  // places in entries_, or -1; at most half of them are in use
    size_t mask_ = 0, longest_ = 0;
};

}  // namespace leadscoring
