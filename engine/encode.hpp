#pragma once

#include <Python.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// Leads as the trees take them: values[lead * n_features + feature], NaN for missing.
struct Rows {
    Py_ssize_t n_rows = 0, n_features = 0;
    std::vector<float> values;
    std::vector<std::pair<int32_t, int32_t>> unseen;  // (lead, feature) with a text outside of the table
    std::vector<bool> rare;                           // of each of those: whether training knew it, but as too rare
    std::vector<int32_t> present;                     // per lead: features that were not left out
    Py_ssize_t shape[2] = {0, 0}, strides[2] = {0, 0};  // for the buffer protocol
};

Rows rows_from_lists(nb::handle rows);

// The rows of several, one after the other, as if all had been encoded together.
Rows joined(nb::handle parts);

// A category comes as text, as a number (by the same kind of table), or as its code.
enum class Kind : int { number = 0, integer = 1, flag = 2, category = 3, numbered = 4, code = 5 };
constexpr long kKinds = 6;

// Turns the values of decoded leads into rows. Immutable once made.
class Encoder {
  public:
    // `missing` is what means missing beside NaN; NaN where nothing does.
    Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing);
    Rows encode(nb::handle leads) const;

  private:
    struct Column {
        Kind kind;
        nb::object table;  // of a category: text or number to float or None
        float other;       // what one outside of it becomes; of codes, the first that is unseen
        nb::object rare;   // the texts outside of it that training knew, or null
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
