#include "text_cells.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "arrays.hpp"
#include "vocabulary.hpp"

namespace leadscoring {

TextCells::TextCells(nb::handle column) : column_(column), valid_(column_.valid()) {
    const std::string& format = column_.format();
    if (format != "vu" && format != "u" && format != "U")
        throw nb::type_error(("a column of Arrow's format " + format + " holds no texts").c_str());
    form_ = format == "vu" ? Form::views : format == "u" ? Form::small : Form::large;
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

char lowered(char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; }

bool is_white(char c) { return c == ' ' || (c >= 9 && c <= 13); }

}  // namespace

std::string_view stripped(std::string_view text) {
    while (!text.empty() && is_white(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_white(text.back())) text.remove_suffix(1);
    return text;
}

void mark_tokens(nb::handle column, nb::handle tokens, nb::handle marks) {
    const TextCells texts(column);
    const Filled<uint8_t> out(marks);
    out.check(texts.size(), "marks");
    Vocabulary known;
    bool starts[256] = {};
    size_t longest = 0;
    for (const nb::handle token : tokens) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(token.ptr(), &size);
        if (!text) throw nb::python_error();
        known.at({text, size_t(size)});
        starts[size == 0 ? 0 : uint8_t(text[0])] = true;
        longest = std::max(longest, size_t(size));
    }
    nb::gil_scoped_release release;
    std::string lower;
    for (size_t i = 0; i < texts.size(); ++i) {
        out.data()[i] = 0;
        if (texts.is_null(i)) continue;
        const std::string_view whole = texts.at(i);
        if (!is_ascii(whole)) {
            out.data()[i] = 2;
            continue;
        }
        const std::string_view text = stripped(whole);
        if (text.size() > longest || !starts[text.empty() ? 0 : uint8_t(lowered(text[0]))]) continue;
        lower.resize(text.size());
        std::transform(text.begin(), text.end(), lower.begin(), lowered);
        out.data()[i] = known.find(lower) != nullptr;
    }
}

}  // namespace leadscoring
