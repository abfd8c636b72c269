#include "encode.hpp"

#include <cmath>
#include <limits>
#include <string>

namespace leadscoring {

namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

[[noreturn]] void refuse(Py_ssize_t row, size_t feature, const char* why) {
    throw nb::value_error(("row " + std::to_string(row) + ", feature " + std::to_string(feature) + ": " + why).c_str());
}

float narrow(double value, Py_ssize_t row, size_t feature) {
    const float narrowed = float(value);
    if (!std::isfinite(narrowed)) refuse(row, feature, "not a finite float32");
    return narrowed;
}

// Converts a float or an int (but not a bool); throws for anything else.
double as_double(PyObject* value, Py_ssize_t row, size_t feature) {
    if (PyFloat_Check(value)) return PyFloat_AS_DOUBLE(value);
    if (!PyLong_Check(value) || PyBool_Check(value)) refuse(row, feature, "not a number");
    const double number = PyLong_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        refuse(row, feature, "not a finite float32");
    }
    return number;
}

float as_integer(PyObject* value, Py_ssize_t row, size_t feature) {
    const double number = as_double(value, row, feature);
    const float narrowed = narrow(number, row, feature);
    if (number != std::trunc(number)) refuse(row, feature, "not a whole number");
    return narrowed;
}

float as_flag(PyObject* value, Py_ssize_t row, size_t feature) {
    if (value == Py_True) return 1;
    if (value == Py_False) return 0;
    const double number = as_double(value, row, feature);
    if (number != 0 && number != 1) refuse(row, feature, "neither 0 nor 1");
    return number == 0 ? 0.0f : 1.0f;
}

float entry(nb::handle value, const char* what) {
    if (value.is_none()) return kMissing;
    if (!PyFloat_Check(value.ptr()) && !PyLong_Check(value.ptr())) throw nb::type_error(what);
    const double number = PyFloat_AsDouble(value.ptr());
    if (number == -1.0 && PyErr_Occurred()) throw nb::python_error();
    if (!std::isfinite(float(number))) throw nb::value_error(what);
    return float(number);
}

// The items of a list or tuple, kept alive while they are read.
struct Items {
    nb::object fast;
    PyObject** begin;
    Py_ssize_t size;
};

Items items_of(nb::handle sequence, const char* what) {
    PyObject* fast = PySequence_Fast(sequence.ptr(), what);
    if (!fast) throw nb::python_error();
    return {nb::steal(fast), PySequence_Fast_ITEMS(fast), PySequence_Fast_GET_SIZE(fast)};
}

bool is_number(PyObject* value) { return PyFloat_Check(value) || (PyLong_Check(value) && !PyBool_Check(value)); }

nb::object checked_table(nb::handle table, bool numbers) {
    if (table.is_none()) return nb::steal(PyDict_New());
    if (!PyDict_Check(table.ptr())) throw nb::type_error("a category's table must be a dict");
    nb::object copy = nb::steal(PyDict_New());
    PyObject *key, *value;
    for (Py_ssize_t position = 0; PyDict_Next(table.ptr(), &position, &key, &value);) {
        if (numbers ? !is_number(key) : !PyUnicode_Check(key))
            throw nb::type_error(numbers ? "a numbered category's table must have numbers as keys"
                                         : "a category's table must have text as keys");
        const float code = entry(value, "a category's table must hold finite numbers or None");
        const nb::object number = nb::steal(PyFloat_FromDouble(code));
        if (!number.is_valid() || PyDict_SetItem(copy.ptr(), key, number.ptr()) < 0) throw nb::python_error();
    }
    return copy;
}

}  // namespace

Encoder::Encoder(nb::handle kinds, nb::handle tables, nb::handle other, nb::object unset, nb::handle rare, float missing)
    : unset_(std::move(unset)), missing_(missing) {
    const Items kind = items_of(kinds, "kinds must be a sequence"), table = items_of(tables, "tables must be a sequence"),
                unseen = items_of(other, "other must be a sequence");
    if (kind.size != table.size || kind.size != unseen.size)
        throw nb::value_error("kinds, tables and other must have one entry a feature");
    for (Py_ssize_t i = 0; i < kind.size; ++i) {
        const long number = PyLong_AsLong(kind.begin[i]);
        if (number == -1 && PyErr_Occurred()) throw nb::python_error();
        if (number < 0 || number >= kKinds)
            throw nb::value_error(
                "a kind must be 0 (number), 1 (integer), 2 (flag), 3 (category), 4 (numbered) or 5 (code)");
        const Kind is = Kind(number);
        const bool known = is == Kind::category || is == Kind::numbered;
        columns_.push_back({is, known ? checked_table(table.begin[i], is == Kind::numbered) : nb::object(),
                            entry(unseen.begin[i], "other must hold finite numbers or None"), nb::object()});
    }
    if (rare.is_none()) return;
    const Items texts = items_of(rare, "rare must be a sequence");
    if (texts.size != kind.size) throw nb::value_error("rare must have one entry a feature");
    for (Py_ssize_t i = 0; i < texts.size; ++i) {
        nb::object known = nb::steal(PyFrozenSet_New(texts.begin[i]));
        if (!known.is_valid()) throw nb::python_error();
        if (PySet_GET_SIZE(known.ptr()) > 0) columns_[size_t(i)].rare = std::move(known);
    }
}

float Encoder::encode_known(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    if (column.kind == Kind::numbered) narrow(as_double(value, row, feature), row, feature);
    else if (!PyUnicode_Check(value)) refuse(row, feature, "not text");
    PyObject* code = PyDict_GetItemWithError(column.table.ptr(), value);
    if (code) return float(PyFloat_AS_DOUBLE(code));
    if (PyErr_Occurred()) throw nb::python_error();
    const int known = column.rare.is_valid() ? PySet_Contains(column.rare.ptr(), value) : 0;
    if (known < 0) throw nb::python_error();
    rows.unseen.emplace_back(int32_t(row), int32_t(feature));
    rows.rare.push_back(known != 0);
    return column.other;
}

// Trees do not distinguish codes that no split names: the first unseen one stands for all.
float Encoder::encode_code(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    const float code = as_integer(value, row, feature);
    if (code < 0) refuse(row, feature, "not a code");
    if (!(code >= column.other)) return code;
    rows.unseen.emplace_back(int32_t(row), int32_t(feature));
    rows.rare.push_back(false);
    return column.other;
}

// Whether a number means missing; not for numbers that are category values, which the trees see as codes.
bool Encoder::means_missing(const Column& column, PyObject* value) const {
    if (column.kind == Kind::numbered || !is_number(value)) return false;
    const double number = PyFloat_Check(value) ? PyFloat_AS_DOUBLE(value) : PyLong_AsDouble(value);
    if (PyErr_Occurred()) PyErr_Clear();
    return float(number) == missing_;
}

inline float Encoder::encode_value(const Column& column, PyObject* value, Py_ssize_t row, size_t feature, Rows& rows) const {
    switch (column.kind) {
        [[likely]] case Kind::number: return narrow(as_double(value, row, feature), row, feature);
        case Kind::integer: return as_integer(value, row, feature);
        case Kind::flag: return as_flag(value, row, feature);
        case Kind::code: return encode_code(column, value, row, feature, rows);
        default: return encode_known(column, value, row, feature, rows);
    }
}

void Encoder::encode_lead(PyObject* lead, Py_ssize_t row, Rows& rows) const {
    const size_t features = columns_.size();
    if (!PyTuple_Check(lead))
        throw nb::type_error(("row " + std::to_string(row) + " must be a tuple").c_str());
    if (size_t(PyTuple_GET_SIZE(lead)) != features)
        throw nb::value_error(("row " + std::to_string(row) + " has " + std::to_string(PyTuple_GET_SIZE(lead)) +
                               " values for " + std::to_string(features) + " features")
                                  .c_str());
    float* out = rows.values.data() + size_t(row) * features;
    int32_t present = 0;
    const bool marked = !std::isnan(missing_);
    for (size_t i = 0; i < features; ++i) {
        PyObject* value = PyTuple_GET_ITEM(lead, Py_ssize_t(i));
        if (value == unset_.ptr()) continue;
        ++present;
        if (value == Py_None) continue;
        const Column& column = columns_[i];
        if (marked && means_missing(column, value)) continue;
        const float encoded = encode_value(column, value, row, i, rows);
        if (!marked || encoded != missing_) out[i] = encoded;  // flags and codes may equal it too
    }
    rows.present.push_back(present);
}

Rows Encoder::encode(nb::handle leads) const {
    const Items items = items_of(leads, "leads must be a list of tuples");
    Rows rows;
    rows.n_rows = items.size;
    rows.n_features = Py_ssize_t(columns_.size());
    rows.values.assign(size_t(items.size) * columns_.size(), kMissing);
    rows.present.reserve(size_t(items.size));
    for (Py_ssize_t row = 0; row < items.size; ++row) encode_lead(items.begin[row], row, rows);
    return rows;
}

Rows rows_from_lists(nb::handle source) {
    const Items outer = items_of(source, "rows must be a list of lists");
    Rows rows;
    rows.n_rows = outer.size;
    for (Py_ssize_t row = 0; row < outer.size; ++row) {
        const Items values = items_of(outer.begin[row], "rows must be a list of lists");
        if (row == 0) rows.n_features = values.size;
        if (values.size != rows.n_features) throw nb::value_error("rows must all have the same length");
        int32_t present = 0;
        for (Py_ssize_t i = 0; i < values.size; ++i) {
            const bool missing = values.begin[i] == Py_None;
            rows.values.push_back(missing ? kMissing : narrow(as_double(values.begin[i], row, size_t(i)), row, size_t(i)));
            present += !missing;
        }
        rows.present.push_back(present);
    }
    return rows;
}

Rows joined(nb::handle parts) {
    const Items items = items_of(parts, "rows to join must be a list");
    Rows rows;
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        const Rows& part = nb::cast<const Rows&>(nb::handle(items.begin[i]));
        if (i == 0) rows.n_features = part.n_features;
        if (part.n_features != rows.n_features) throw nb::value_error("rows must all have the same length");
        for (const auto& [row, feature] : part.unseen) rows.unseen.emplace_back(row + int32_t(rows.n_rows), feature);
        rows.rare.insert(rows.rare.end(), part.rare.begin(), part.rare.end());
        rows.values.insert(rows.values.end(), part.values.begin(), part.values.end());
        rows.present.insert(rows.present.end(), part.present.begin(), part.present.end());
        rows.n_rows += part.n_rows;
    }
    return rows;
}

}  // namespace leadscoring
