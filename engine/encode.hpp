#pragma once

#include <Python.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// Leads as the trees take them: values[lead * n_features + column], NaN for missing. The trees' features are columns;
// a feature of the contract may make several.
struct Rows {
    Py_ssize_t n_rows = 0, n_features = 0;
    std::vector<float> values;
    std::vector<std::pair<int32_t, int32_t>> unseen;  // (lead, first column of a feature) with a text outside of the table
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
    // `missing` is what means missing beside NaN; NaN where nothing does. `widths` has the number of columns of each
    // feature, and `bounds` those that nothing has checked before; either may be None, as may each of the bounds.
    Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing,
            nb::handle widths, nb::handle bounds);
    Rows encode(nb::handle leads) const;

  private:
    struct Feature {
        Kind kind;
        nb::object table;  // of a category: text or number to a float, or to a tuple of one for each column
        float other;       // what one outside of it becomes; of codes, the first that is unseen
        nb::object rare;   // the texts outside of it that training knew, or null
        int32_t first, width;  // its columns
    };
    void encode_lead(PyObject* lead, Py_ssize_t row, Rows& rows) const;
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
    bool one_each_ = true;  // every feature makes one column, which is the rule
    nb::object unset_;
    float missing_;
};

}  // namespace leadscoring
