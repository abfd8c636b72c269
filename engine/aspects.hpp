#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nanobind/nanobind.h>

#include "address.hpp"
#include "tokens.hpp"
#include "vocabulary.hpp"

namespace leadscoring {

namespace nb = nanobind;

// How a text becomes tokens.
enum class Cut { words, address, values };

// What a feature has besides its kind: the aspects that become columns, each a name and what it is of, the texts that
// mean missing, and what some aspects need to know.
struct Spec {
    explicit Spec(nb::handle spec);

    struct Aspect {
        std::string what;
        nb::object of;
    };
    std::vector<Aspect> aspects;
    nb::object missing;  // a frozenset, or null if it is empty
    std::set<std::string> texts;  // the same, as UTF-8
    bool planned = false;
    nb::object weights, groups, roles;

    bool means_missing(PyObject* text) const;
    bool means_missing(std::string_view text) const { return texts.count(std::string(text)) > 0; }
};

// The columns of a text, an e-mail address or a set: whether it has certain tokens, how many, and their weight.
class TokenColumns {
  public:
    TokenColumns(Cut cut, Spec spec);
    int32_t width() const { return width_; }

    // Whether a value was encoded; unknown ones leave their columns missing. Of strange ones the caller is warned.
    enum class Found { known, unknown, strange, unfit };
    Found encode(PyObject* value, Tokens& tokens, float* out) const;
    Found encode(std::string_view ascii, Tokens& tokens, float* out) const;
    const char* what_fits() const;

  private:
    struct Sum {
        double weight = 0;
        size_t count = 0;
        void add(const Vocabulary::Entry& entry);
    };
    void place(const Spec::Aspect& aspect, int32_t column);
    Found fill(const Tokens& tokens, Py_ssize_t length, float* out) const;
    void place_weights();
    void place_groups();
    void look_up(std::string_view token, float* out, Sum& sum) const;
    void encode_words(const Tokens& tokens, float* out, Sum& sum) const;
    void encode_address(const Address& address, float* out, Sum& sum) const;

    Cut cut_;
    Spec spec_;
    int32_t width_ = 0;
    Vocabulary tokens_, ends_, groups_, suffixes_, roles_;
    int32_t company_ = -1, role_ = -1, count_ = -1, length_ = -1, weight_ = -1;
    bool pairs_ = false;
};

// The columns of a date. They need all dates of a lead, and the moment that it is scored as of.
class DateColumns {
  public:
    explicit DateColumns(Spec spec);
    int32_t width() const { return int32_t(columns_.size()); }

    // The moment of a text or of a whole number; kNoMoment where it means unknown, nothing if it is none.
    std::optional<int64_t> moment_of(PyObject* value) const;

    // Whether a date lies so far in the future that it is treated as missing.
    bool is_beyond(int64_t moment, int64_t as_of) const;
    void encode(int64_t moment, int64_t as_of, const std::vector<int64_t>& moments, float* out) const;

    // The same by column: forgets the moments that are treated as missing, and returns the leads that have them.
    std::vector<size_t> drop_beyond(std::vector<int64_t>& moments, const int64_t* as_of) const;

    // Encodes the date `own` of all leads into columns that lie one behind the other; `dates` are the moments by feature.
    void encode(size_t own, const std::vector<std::vector<int64_t>>& dates, const int64_t* as_of, size_t leads,
                float* out) const;

    // Checks that each date that a column refers to is there.
    void check(const std::vector<bool>& is_date) const;

  private:
    enum class What { age, since, weekday, hour };
    struct Column {
        What what;
        size_t of;  // a feature
    };
    Spec spec_;
    std::vector<Column> columns_;
};

}  // namespace leadscoring
