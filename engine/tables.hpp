#pragma once

#include <Python.h>

#include <cstdint>
#include <limits>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// The items of a list or tuple, kept alive while they are read.
struct Items {
    nb::object fast;
    PyObject** begin;
    Py_ssize_t size;
};

Items items_of(nb::handle sequence, const char* what);

// A number, but not a bool.
inline bool is_number(PyObject* value) {
    return PyFloat_Check(value) || (PyLong_Check(value) && !PyBool_Check(value));
}

// A finite float32, or missing for None; `what` is said of anything else.
float entry(nb::handle value, const char* what);

// A copy of the table of a category: the code of each text or number, with several columns a tuple of one for each.
nb::object checked_table(nb::handle table, bool numbers, int32_t width);

// The codes of a value that is not in the table, as a tuple: a number stands for all columns.
nb::object others_of(nb::handle other, int32_t width);

}  // namespace leadscoring
