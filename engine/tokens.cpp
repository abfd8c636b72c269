#include "tokens.hpp"

#include <nanobind/nanobind.h>

#include <algorithm>
#include <array>

namespace leadscoring {

namespace nb = nanobind;

namespace {

// Characters that are normalised together at most: the time of that may grow with the square of their number.
constexpr Py_ssize_t kTogether = 128;

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

constexpr bool is_lower(int c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
constexpr bool is_upper(int c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_blank(int c) { return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31); }

// What becomes of the characters of ASCII: of those that are no letters and digits, a space.
constexpr std::array<char, 128> table(bool words) {
    std::array<char, 128> folded{};
    for (int c = 0; c < 128; ++c)
        folded[size_t(c)] = is_upper(c) ? char(c + 32) : is_lower(c) || !(words || is_blank(c)) ? char(c) : ' ';
    return folded;
}

// How a text is folded into words: only letters and digits are kept, with one space where others were.
struct Words {
    static constexpr std::array<char, 128> kAscii = table(true);
    static bool keeps(Py_UCS4 c) { return Py_UNICODE_ISALNUM(c); }
};

// How a text is folded as a whole: all whitespace becomes a space.
struct Whole {
    static constexpr std::array<char, 128> kAscii = table(false);
    static bool keeps(Py_UCS4 c) { return !Py_UNICODE_ISSPACE(c); }
};

// UTF-8, also of lone surrogates.
void append(Py_UCS4 c, std::string& out) {
    if (c < 0x80) {
        out.push_back(char(c));
    } else if (c < 0x800) {
        out.push_back(char(0xC0 | c >> 6));
        out.push_back(char(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        out.push_back(char(0xE0 | c >> 12));
        out.push_back(char(0x80 | (c >> 6 & 0x3F)));
        out.push_back(char(0x80 | (c & 0x3F)));
    } else {
        out.push_back(char(0xF0 | c >> 18));
        out.push_back(char(0x80 | (c >> 12 & 0x3F)));
        out.push_back(char(0x80 | (c >> 6 & 0x3F)));
        out.push_back(char(0x80 | (c & 0x3F)));
    }
}

// NFKC and casefold of a part of a text.
nb::object normalised(PyObject* text, Py_ssize_t begin, Py_ssize_t end) {
    // never released: they are those of the interpreter for as long as it runs
    static PyObject* normalize = owned(PyObject_GetAttrString(
        owned(PyImport_ImportModule("unicodedata")).ptr(), "normalize")).release().ptr();
    static PyObject* casefold =
        owned(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyUnicode_Type), "casefold")).release().ptr();
    static PyObject* form = owned(PyUnicode_InternFromString("NFKC")).release().ptr();
    const nb::object part = owned(PyUnicode_Substring(text, begin, end));
    const nb::object composed = owned(PyObject_CallFunctionObjArgs(normalize, form, part.ptr(), nullptr));
    return owned(PyObject_CallOneArg(casefold, composed.ptr()));
}

// Where a part that begins there may end: before a character of ASCII, which nothing before it combines with.
Py_ssize_t end_of_part(int kind, const void* data, Py_ssize_t begin, Py_ssize_t end) {
    if (end - begin <= kTogether) return end;
    for (Py_ssize_t at = begin + kTogether; at > begin + kTogether / 2; --at)
        if (PyUnicode_READ(kind, data, at) < 128) return at;
    return begin + kTogether;
}

template <class Way>
void fold_others(PyObject* text, Py_ssize_t size, std::string& out) {
    const int kind = int(PyUnicode_KIND(text));
    const void* data = PyUnicode_DATA(text);
    const size_t most = out.size() + kMostRead;  // the folded text may be longer than the text
    for (Py_ssize_t begin = 0; begin < size && out.size() < most;) {
        const Py_ssize_t end = end_of_part(kind, data, begin, size);
        const nb::object part = normalised(text, begin, end);
        const int part_kind = int(PyUnicode_KIND(part.ptr()));
        const void* part_data = PyUnicode_DATA(part.ptr());
        for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(part.ptr()); ++i) {
            const Py_UCS4 c = PyUnicode_READ(part_kind, part_data, i);
            if (c < 128) out.push_back(Way::kAscii[c]);
            else if (Way::keeps(c)) append(c, out);
            else out.push_back(' ');
        }
        begin = end;
    }
}

// Appends the folded text.
template <class Way>
void fold_into(std::string_view ascii, std::string& out) {
    const size_t before = out.size();
    out.resize(before + ascii.size());
    for (size_t i = 0; i < ascii.size(); ++i) out[before + i] = Way::kAscii[uint8_t(ascii[i]) & 127];
}

template <class Way>
void fold_into(PyObject* text, Py_ssize_t size, std::string& out) {
    if (!PyUnicode_IS_ASCII(text)) return fold_others<Way>(text, size, out);
    fold_into<Way>({static_cast<const char*>(PyUnicode_DATA(text)), size_t(size)}, out);
}

Py_ssize_t read_of(PyObject* text) { return std::min(PyUnicode_GET_LENGTH(text), Py_ssize_t(kMostRead)); }

}  // namespace

void Tokens::clear() {
    text_.clear();
    spans_.clear();
    count_ = 0;
}

// Adds what lies between two places, without the spaces around it, if anything does.
void Tokens::add(size_t begin, size_t end) {
    while (begin < end && text_[begin] == ' ') ++begin;
    while (begin < end && text_[end - 1] == ' ') --end;
    if (begin < end) spans_.push_back({uint32_t(begin), uint32_t(end)});
}

void Tokens::cut(size_t begin, char separator) {
    while (true) {
        const size_t end = std::min(text_.find(separator, begin), text_.size());
        add(begin, end);
        if (end == text_.size()) return;
        begin = end + 1;
    }
}

void Tokens::cut_words(PyObject* text) {
    clear();
    fold_into<Words>(text, read_of(text), text_);
    close_gaps();
}

void Tokens::cut_words(std::string_view text) {
    clear();
    fold_into<Words>(text.substr(0, kMostRead), text_);
    close_gaps();
}

void Tokens::close_gaps() {
    size_t kept = 0;  // closes the gaps, so that pairs of words are next to each other
    for (size_t at = 0; at < text_.size();) {
        if (text_[at] == ' ') {
            ++at;
            continue;
        }
        if (kept > 0) text_[kept++] = ' ';
        const size_t begin = kept;
        while (at < text_.size() && text_[at] != ' ') text_[kept++] = text_[at++];
        spans_.push_back({uint32_t(begin), uint32_t(kept)});
    }
    text_.resize(kept);
    count_ = spans_.size();
}

bool Tokens::cut_values(PyObject* texts) {
    clear();
    if (PyUnicode_Check(texts)) {
        fold_into<Whole>(texts, read_of(texts), text_);
        cut_folded();
        return true;
    }
    if (!PyList_Check(texts) && !PyTuple_Check(texts)) return false;
    PyObject** items = PySequence_Fast_ITEMS(texts);
    size_t blank = 0;
    const Py_ssize_t size = PySequence_Fast_GET_SIZE(texts);
    for (Py_ssize_t i = 0; i < size; ++i) {
        if (!PyUnicode_Check(items[i])) return false;
        if (text_.size() + size_t(i) >= kMostRead) continue;  // counted, but not read
        const size_t begin = text_.size(), known = spans_.size();
        fold_into<Whole>(items[i], read_of(items[i]), text_);
        add(begin, text_.size());
        blank += spans_.size() == known;
    }
    count_ = size_t(size) - blank;
    return true;
}

void Tokens::cut_values(std::string_view text) {
    clear();
    fold_into<Whole>(text.substr(0, kMostRead), text_);
    cut_folded();
}

void Tokens::cut_folded() {
    cut(0, text_.find(';') != std::string::npos ? ';' : ',');
    count_ = spans_.size();
}

void Tokens::fold(std::string_view text) {
    clear();
    fold_into<Whole>(text.substr(0, kMostRead), text_);
    add(0, text_.size());
    count_ = spans_.size();
}

void Tokens::fold(PyObject* text) {
    clear();
    fold_into<Whole>(text, read_of(text), text_);
    add(0, text_.size());
    count_ = spans_.size();
}

Py_ssize_t length_of(PyObject* text) {
    const int kind = int(PyUnicode_KIND(text));
    const void* data = PyUnicode_DATA(text);
    Py_ssize_t begin = 0, end = PyUnicode_GET_LENGTH(text);
    while (begin < end && Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, begin))) ++begin;
    while (begin < end && Py_UNICODE_ISSPACE(PyUnicode_READ(kind, data, end - 1))) --end;
    return end - begin;
}

Py_ssize_t length_of(std::string_view ascii) {
    while (!ascii.empty() && is_blank(uint8_t(ascii.front()))) ascii.remove_prefix(1);
    while (!ascii.empty() && is_blank(uint8_t(ascii.back()))) ascii.remove_suffix(1);
    return Py_ssize_t(ascii.size());
}

}  // namespace leadscoring
