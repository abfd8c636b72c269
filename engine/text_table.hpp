#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// A hash of the ends and the length of a text: for tables of few texts, and of texts that come again.
inline uint64_t quick_hash(std::string_view text) {
    constexpr uint64_t kFactor = 0x9E3779B97F4A7C15;
    uint64_t first = 0, last = 0;
    if (text.size() >= 8) {
        std::memcpy(&first, text.data(), 8);
        std::memcpy(&last, text.data() + text.size() - 8, 8);
    } else {
        for (const char c : text) first = first << 8 | uint8_t(c);
    }
    uint64_t state = (first ^ text.size()) * kFactor;
    state = ((state ^ state >> 32) + last) * kFactor;
    return state ^ state >> 29;
}

// The places of some texts, all different.
class TextTable {
  public:
    explicit TextTable(nb::handle texts);

    // Returns the place of a text, or how many texts there are.
    uint32_t find(std::string_view text) const {
        if (text.size() > longest_) return uint32_t(texts_.size());
        for (size_t slot = quick_hash(text) & mask_; slots_[slot] >= 0; slot = (slot + 1) & mask_)
            if (texts_[size_t(slots_[slot])] == text) return uint32_t(slots_[slot]);
        return uint32_t(texts_.size());
    }

    // Finds each text of a series, and writes its place to `out`; for null one more than how many texts there are.
    // Returns how many others were found.
    size_t places(nb::handle column, nb::handle out) const;

  private:
    // A text of at most 12 bytes as a view has it, and its place.
    struct Short {
        uint64_t words[2] = {0, 0};
        uint32_t place = 0;
    };
    static size_t slot_of(const uint64_t* words) {
        return size_t((words[0] * 0x9E3779B97F4A7C15 ^ words[1]) * 0xD6E8FEB86659FD93 >> 32);
    }

    // Returns the place of a text that its view may tell at once; how many texts there are if it does not.
    uint32_t find_view(const char* view) const {
        uint64_t words[2];
        std::memcpy(words, view, sizeof words);
        const Short& found = shorts_[slot_of(words) & (shorts_.size() - 1)];
        return found.words[0] == words[0] && found.words[1] == words[1] ? found.place : uint32_t(texts_.size());
    }
    void note_short(uint32_t place);

    std::vector<Short> shorts_;  // the others of those that share a slot are found as long ones are
    std::vector<std::string> texts_;
    std::vector<int32_t> slots_;  // places, or -1; at most half of them are in use
    size_t mask_ = 0, longest_ = 0;
};

// Reads the moments in a series of texts: ISO 8601, with whitespace around it or none. Marks those that are none with 1.
void read_moments(nb::handle column, nb::handle moments, nb::handle marks);

void bind_text_table(nb::module_& m);

}  // namespace leadscoring
