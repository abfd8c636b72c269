#include "text_cells.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "arrays.hpp"
#include "vocabulary.hpp"

namespace leadscoring {

namespace {

// A text as Arrow's views have it: inline if it has at most 12 bytes, else a place within one of the buffers.
struct View {
    int32_t size;
    char inlined[4];
    int32_t buffer, offset;
};

template <class Offset>
std::string_view between(const void* offsets, const void* data, size_t place) {
    const Offset* ends = static_cast<const Offset*>(offsets) + place;
    return {static_cast<const char*>(data) + ends[0], size_t(ends[1] - ends[0])};
}

}  // namespace

TextCells::TextCells(nb::handle column) : column_(column), valid_(column_.valid()) {
    const std::string& format = column_.format();
    if (format != "vu" && format != "u" && format != "U")
        throw nb::type_error(("a column of Arrow's format " + format + " holds no texts").c_str());
    form_ = format == "vu" ? Form::views : format == "u" ? Form::small : Form::large;
}

std::string_view TextCells::at(size_t place) const {
    const size_t at = column_.offset() + place;
    if (form_ == Form::small) return between<int32_t>(column_.buffer(1), column_.buffer(2), at);
    if (form_ == Form::large) return between<int64_t>(column_.buffer(1), column_.buffer(2), at);
    const View* view = static_cast<const View*>(column_.buffer(1)) + at;
    if (view->size <= 12) return {view->inlined, size_t(view->size)};
    return {static_cast<const char*>(column_.buffer(2 + view->buffer)) + view->offset, size_t(view->size)};
}

bool is_ascii(std::string_view text) {
    uint64_t high = 0;
    for (; text.size() >= 8; text.remove_prefix(8)) {
        uint64_t word;
        std::memcpy(&word, text.data(), 8);
        high |= word;
    }
    for (const char c : text) high |= uint64_t(uint8_t(c)) << 56 | uint8_t(c);
    return (high & 0x8080808080808080u) == 0;
}

namespace {

bool is_white(char c) { return c == ' ' || (c >= 9 && c <= 13); }

std::string_view stripped(std::string_view text) {
    while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

void mark_tokens(nb::handle column, nb::handle tokens, nb::handle marks) {
    const TextCells texts(column);
    const Filled<uint8_t> out(marks);
    out.check(texts.size(), "marks");
    Vocabulary known;
    size_t longest = 0;
    for (const nb::handle token : tokens) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(token.ptr(), &size);
        if (!text) throw nb::python_error();
        known.at({text, size_t(size)});
        longest = std::max(longest, size_t(size));
    }
    nb::gil_scoped_release release;
    std::string lower;
    for (size_t i = 0; i < texts.size(); ++i) {
        out.data()[i] = 0;
        if (texts.is_null(i)) continue;
        const std::string_view whole = texts.at(i), text = stripped(whole);
        if (!is_ascii(whole)) out.data()[i] = 2;
        if (text.size() > longest || out.data()[i]) continue;
        lower.assign(text);
        for (char& c : lower) c = c >= 'A' && c <= 'Z' ? char(c + 32) : c;
        out.data()[i] = known.find(lower) != nullptr;
    }
}

}  // namespace leadscoring
