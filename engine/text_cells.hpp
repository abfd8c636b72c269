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
    std::string_view at(size_t place) const {
        const size_t at = column_.offset() + place;
        if (form_ == Form::small) return between<int32_t>(at);
        if (form_ == Form::large) return between<int64_t>(at);
        const View* view = static_cast<const View*>(column_.buffer(1)) + at;
        if (view->size <= 12) return {view->inlined, size_t(view->size)};
        return {static_cast<const char*>(column_.buffer(2 + view->buffer)) + view->offset, size_t(view->size)};
    }

    // The 16 bytes that Arrow's views have of a text: of one with at most 12 bytes these and its size, zeros behind it.
    // Null unless the texts are views.
    const char* view(size_t place) const {
        if (form_ != Form::views) return nullptr;
        return reinterpret_cast<const char*>(static_cast<const View*>(column_.buffer(1)) + column_.offset() + place);
    }

  private:
    enum class Form { views, small, large };

    // A text as Arrow's views have it: inline if it has at most 12 bytes, else a place within one of the buffers.
    struct View {
        int32_t size;
        char inlined[4];
        int32_t buffer, offset;
    };

    template <class Offset>
    std::string_view between(size_t place) const {
        const Offset* ends = static_cast<const Offset*>(column_.buffer(1)) + place;
        return {static_cast<const char*>(column_.buffer(2)) + ends[0], size_t(ends[1] - ends[0])};
    }

    ArrowColumn column_;
    Form form_;
    const uint8_t* valid_;
};

// Marks the texts that are one of `tokens` (in lower case) but for case and the whitespace around them: 1 for those, and 2
// for texts that are not ASCII, which the caller must look at. Null is 0.
void mark_tokens(nb::handle column, nb::handle tokens, nb::handle marks);

// Whether a text is ASCII, of which each byte is a character.
bool is_ascii(std::string_view text);

// A text without the whitespace of ASCII around it.
std::string_view stripped(std::string_view text);

}  // namespace leadscoring
