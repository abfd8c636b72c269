#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "arrow.hpp"

namespace leadscoring {

// The texts of a series of Arrow, as UTF-8, read where they lie.
class TextCells {
  public:
    // Raises TypeError for a series of anything but texts.
    explicit TextCells(nb::handle column);

    size_t size() const { return column_.size(); }
    bool is_null(size_t place) const { return valid_ && !bit(valid_, column_.offset() + place); }
    std::string_view at(size_t place) const;

  private:
    enum class Form { views, small, large };
    ArrowColumn column_;
    Form form_;
    const uint8_t* valid_;
};

// Marks the texts that are one of `tokens` (in lower case) but for case and the whitespace around them: 1 for those, and 2
// for texts that are not ASCII, which the caller must look at. Null is 0.
void mark_tokens(nb::handle column, nb::handle tokens, nb::handle marks);

// Whether a text is ASCII, of which each byte is a character.
bool is_ascii(std::string_view text);

}  // namespace leadscoring
