#pragma once

#include <Python.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

#include "aspects.hpp"
#include "text_cells.hpp"

namespace leadscoring {

namespace nb = nanobind;

class Cells;
struct Items;

// Encoded leads, the input of the trees: values[lead * n_features + column], NaN for missing. The trees' features are
// columns; a feature of the contract may make several.
struct Rows {
    Py_ssize_t n_rows = 0, n_features = 0;
    std::vector<float> values;
    std::vector<std::pair<int32_t, int32_t>> unseen;  // (lead, first column of a feature) whose text is not in the table
    std::vector<bool> rare;                           // for each of those: whether it was a rare text in training
    std::vector<std::pair<int32_t, int32_t>> future;  // (lead, first column) of dates that lie too far in the future
    std::vector<int32_t> present;                     // per lead: number of features that were sent
    Py_ssize_t shape[2] = {0, 0}, strides[2] = {0, 0};  // for the buffer protocol
};

Rows rows_from_lists(nb::handle rows);

// Concatenates rows, as if all had been encoded together.
Rows joined(nb::handle parts);

// A category is sent as text, as a number (with a table like that for texts), or as its code. The columns of a date, of
// words, of an address and of a set are its aspects.
enum class Kind : int {
    number = 0,
    integer = 1,
    flag = 2,
    category = 3,
    numbered = 4,
    code = 5,
    date = 6,
    words = 7,
    address = 8,
    set = 9
};
constexpr long kKinds = 10;

// Encodes the values of decoded leads as rows. Immutable.
class Encoder {
  public:
    // `missing` is the number that means missing, besides NaN; NaN if there is none. `widths` has the number of columns
    // of each feature, and `bounds` the bounds that have not been checked yet; both, and each of the bounds, may be None.
    // `specs` has what the kinds with aspects need, and None for the others.
    Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing,
            nb::handle widths, nb::handle bounds, nb::handle specs);
    Encoder(const Encoder&) = delete;

    // Leads are scored as of `now`, or of their own moment in `as_of`, which may be None.
    Rows encode(nb::handle leads, int64_t now, nb::handle as_of) const;

    // Encodes features with aspects by column. `columns` has for each a series of Arrow (dates as int64), or a list as in
    // leads; `as_of` is a series of int64. Writes to `out`, of shape (columns, leads); the rows returned have notes only.
    Rows encode_columns(nb::handle columns, nb::handle as_of, nb::handle out) const;

  private:
    struct Feature {
        Kind kind;
        nb::object table;  // of a category: maps a text or number to a float, or to a tuple of one for each column
        float other;       // the code of a value that is not in the table; for codes, the first unseen one
        nb::object others;  // the same with several columns, a tuple
        nb::object rare;   // the rare texts of training, which are not in the table, or null
        int32_t first, width;  // its columns
        std::unique_ptr<TokenColumns> tokens;
        std::unique_ptr<DateColumns> date;
    };
    // What is needed while leads are encoded.
    struct Scratch {
        Tokens tokens;
        std::vector<int64_t> moments;  // of the dates of one lead, by feature
        int64_t as_of = 0;
    };
    struct Matrix;
    TokenColumns::Found encode_cell(const Feature& about, std::string_view text, float* out, Scratch& scratch) const;
    void encode_texts(const Feature& about, const TextCells& texts, const Matrix& to, Rows& notes) const;
    void encode_values(size_t feature, const Items& values, const Matrix& to, Rows& notes) const;
    std::vector<int64_t> moments_in(size_t feature, const Cells* cells, const Items* values, size_t leads) const;
    void add_aspects(Feature& feature, nb::handle spec);
    void encode_lead(PyObject* lead, Py_ssize_t row, Rows& rows, Scratch& scratch) const;
    template <bool plain>
    int32_t encode_features(PyObject* lead, Py_ssize_t row, float* out, Rows& rows, Scratch& scratch) const;
    void encode_one(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float& out, Rows& rows) const;
    void encode_aspects(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float* out, Rows& rows,
                        Scratch& scratch) const;
    void encode_dates(Py_ssize_t row, float* out, Rows& rows, Scratch& scratch) const;
    void encode_several(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, float* out, Rows& rows) const;
    PyObject* find(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    float encode_value(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    float encode_known(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    float encode_code(const Feature& about, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    void check_bounds(PyObject* value, Py_ssize_t row, size_t feature) const;
    bool means_missing(const Feature& about, PyObject* value) const;

    std::vector<Feature> features_;
    std::vector<std::pair<double, double>> bounds_;  // of each feature, looked at where some number means missing
    int32_t columns_ = 0;
    std::vector<size_t> dates_;
    bool one_each_ = true;  // every feature makes one column, without aspects, which is the rule
    nb::object unset_;
    float missing_;
};

}  // namespace leadscoring
