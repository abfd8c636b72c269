#pragma once

#include <Python.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leadscoring {

// Characters of a text that are read; those behind them are not. It bounds the work for any text.
constexpr size_t kMostRead = 16384;

// The tokens of one value, folded (NFKC and casefold), as UTF-8; reused from value to value.
class Tokens {
  public:
    // The runs of letters and digits of a text, separated by single spaces.
    void cut_words(PyObject* text);

    // The values of a list of texts, or of a text with `;` between them, or with `,` if it has no `;`; without the
    // spaces around them. Returns false if it is neither.
    bool cut_values(PyObject* texts);

    // The same of texts in ASCII.
    void cut_words(std::string_view text);
    void cut_values(std::string_view text);
    void fold(std::string_view text);

    // The whole text as one token, without the spaces around it; none if it is blank.
    void fold(PyObject* text);

    size_t size() const { return spans_.size(); }
    std::string_view operator[](size_t i) const { return between(spans_[i].begin, spans_[i].end); }

    // A word and the one behind it, with a space between them.
    std::string_view pair(size_t i) const { return between(spans_[i].begin, spans_[i + 1].end); }

    // How many there are, read or not.
    size_t count() const { return count_; }

  private:
    struct Span {
        uint32_t begin, end;
    };
    std::string_view between(size_t begin, size_t end) const {
        return std::string_view(text_).substr(begin, end - begin);
    }
    void clear();
    void add(size_t begin, size_t end);
    void cut(size_t begin, char separator);
    void close_gaps();
    void cut_folded();

    std::string text_;
    std::vector<Span> spans_;
    size_t count_ = 0;
};

// The characters of a text without the whitespace around it.
Py_ssize_t length_of(PyObject* text);
Py_ssize_t length_of(std::string_view ascii);

}  // namespace leadscoring
