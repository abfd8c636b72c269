#include "tables.hpp"

#include <cmath>

namespace leadscoring {

namespace {

constexpr const char* kEntry = "a category's table must hold finite numbers or None";

// The code of one value: a float, or where it has several columns a tuple of as many.
nb::object checked_codes(nb::handle value, int32_t width) {
    if (width == 1) return nb::steal(PyFloat_FromDouble(entry(value, kEntry)));
    if (!value.is_none() && (!PyTuple_Check(value.ptr()) || PyTuple_GET_SIZE(value.ptr()) != width))
        throw nb::value_error("the table of a feature with several columns must hold tuples of one number each, or None");
    nb::object codes = nb::steal(PyTuple_New(width));
    if (!codes.is_valid()) throw nb::python_error();
    for (int32_t i = 0; i < width; ++i) {
        const nb::handle one = value.is_none() ? value : nb::handle(PyTuple_GET_ITEM(value.ptr(), i));
        PyObject* code = PyFloat_FromDouble(entry(one, kEntry));
        if (!code) throw nb::python_error();
        PyTuple_SET_ITEM(codes.ptr(), i, code);
    }
    return codes;
}

}  // namespace

Items items_of(nb::handle sequence, const char* what) {
    PyObject* fast = PySequence_Fast(sequence.ptr(), what);
    if (!fast) throw nb::python_error();
    return {nb::steal(fast), PySequence_Fast_ITEMS(fast), PySequence_Fast_GET_SIZE(fast)};
}

float entry(nb::handle value, const char* what) {
    if (value.is_none()) return kMissing;
    if (!PyFloat_Check(value.ptr()) && !PyLong_Check(value.ptr())) throw nb::type_error(what);
    const double number = PyFloat_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred()) throw nb::python_error();
    if (!std::isfinite(float(number))) throw nb::value_error(what);
    return float(number);
}

nb::object checked_table(nb::handle table, bool numbers, int32_t width) {
    if (table.is_none()) return nb::steal(PyDict_New());
    if (!PyDict_Check(table.ptr())) throw nb::type_error("a category's table must be a dict");
    nb::object copy = nb::steal(PyDict_New());
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(table.ptr(), &position, &key, &value);) {
        if (numbers ? !is_number(key) : !PyUnicode_Check(key))
            throw nb::type_error(numbers ? "a numbered category's table must have numbers as keys"
                                         : "a category's table must have text as keys");
        const nb::object codes = checked_codes(value, width);
        if (!codes.is_valid() || PyDict_SetItem(copy.ptr(), key, codes.ptr()) < 0) throw nb::python_error();
    }
    return copy;
}

nb::object others_of(nb::handle other, int32_t width) {
    if (PyTuple_Check(other.ptr())) return checked_codes(other, width);
    const nb::object one = nb::steal(PyFloat_FromDouble(entry(other, kEntry)));
    nb::object all = nb::steal(PyTuple_New(width));
    if (!one.is_valid() || !all.is_valid()) throw nb::python_error();
    for (int32_t i = 0; i < width; ++i) PyTuple_SET_ITEM(all.ptr(), i, Py_NewRef(one.ptr()));
    return all;
}

}  // namespace leadscoring
