#pragma once

#include <Python.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// Encoded leads, the input of the trees: values[lead * n_features + feature], NaN for missing.
struct Rows {
    Py_ssize_t n_rows = 0, n_features = 0;
    std::vector<float> values;
    std::vector<std::pair<int32_t, int32_t>> unseen;  // (lead, feature) whose text is not in the table
    std::vector<bool> rare;                           // for each of those: whether it was a rare text in training
    std::vector<int32_t> present;                     // per lead: number of features that were sent
    Py_ssize_t shape[2] = {0, 0}, strides[2] = {0, 0};  // for the buffer protocol
};

Rows rows_from_lists(nb::handle rows);

// Concatenates rows, as if all had been encoded together.
Rows joined(nb::handle parts);

// A category is sent as text, as a number (with a table like that for texts), or as its code.
enum class Kind : int { number = 0, integer = 1, flag = 2, category = 3, numbered = 4, code = 5 };
constexpr long kKinds = 6;

// Encodes the values of decoded leads as rows. Immutable.
class Encoder {
  public:
    // `missing` is the number that means missing, besides NaN; NaN if there is none.
    Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing);
    Rows encode(nb::handle leads) const;

  private:
    struct Column {
        Kind kind;
        nb::object table;  // of a category: maps a text or number to a float or None
        float other;       // the code of a value that is not in the table; for codes, the first unseen one
        nb::object rare;   // the rare texts of training, which are not in the table, or null
    };
    void encode_lead(PyObject* lead, Py_ssize_t row, Rows& rows) const;
    float encode_value(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    float encode_known(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    float encode_code(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const;
    bool means_missing(const Column& column, PyObject* value) const;

    std::vector<Column> columns_;
    nb::object unset_;
    float missing_;
};

}  // namespace leadscoring
