// Converts the lists of Python numbers of a model file to C++ tables.

#include "from_python.hpp"

#include <limits>

namespace leadscoring {

namespace {

std::string place(size_t tree, const char* array, Py_ssize_t index) {
    return "trees[" + std::to_string(tree) + "]: " + array + "[" + std::to_string(index) + "]";
}

nb::object listed(PyObject* object, size_t tree, const char* array) {
    if (!PyList_Check(object)) throw BadModel("trees[" + std::to_string(tree) + "]: " + array + " must be a list");
    if (PyList_GET_SIZE(object) > std::numeric_limits<int32_t>::max() - 1)
        throw BadModel("trees[" + std::to_string(tree) + "]: " + array + " is too long");
    return nb::borrow(object);
}

std::vector<int32_t> ints(PyObject* object, size_t tree, const char* array) {
    const nb::object list = listed(object, tree, array);
    std::vector<int32_t> values(size_t(PyList_GET_SIZE(list.ptr())));
    for (size_t i = 0; i < values.size(); ++i) {
        PyObject* item = PyList_GET_ITEM(list.ptr(), Py_ssize_t(i));
        int overflow = 1;
        const long value = PyLong_Check(item) ? PyLong_AsLongAndOverflow(item, &overflow) : 0;
        if (overflow || value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max())
            throw BadModel(place(tree, array, Py_ssize_t(i)) + " is not a 32-bit integer");
        values[i] = int32_t(value);
    }
    return values;
}

// None stands for NaN, which JSON lacks; it is rejected later where it matters.
std::vector<float> floats(PyObject* object, size_t tree, const char* array) {
    const nb::object list = listed(object, tree, array);
    std::vector<float> values(size_t(PyList_GET_SIZE(list.ptr())));
    for (size_t i = 0; i < values.size(); ++i) {
        PyObject* item = PyList_GET_ITEM(list.ptr(), Py_ssize_t(i));
        if (PyFloat_Check(item)) {
            values[i] = float(PyFloat_AS_DOUBLE(item));
        } else if (item == Py_None) {
            values[i] = std::numeric_limits<float>::quiet_NaN();
        } else {
            const double value = PyLong_Check(item) ? PyLong_AsDouble(item) : -1.0;
            if (!PyLong_Check(item) || (value == -1.0 && PyErr_Occurred())) {
                PyErr_Clear();
                throw BadModel(place(tree, array, Py_ssize_t(i)) + " is not a number");
            }
            values[i] = float(value);
        }
    }
    return values;
}

RawTree tree_from_python(PyObject* object, size_t tree) {
    constexpr Py_ssize_t kArrays = 12;
    if (!PyTuple_Check(object) || PyTuple_GET_SIZE(object) != kArrays)
        throw BadModel("trees[" + std::to_string(tree) + "] must be a tuple of " + std::to_string(kArrays) + " lists");
    const auto item = [&](Py_ssize_t i) { return PyTuple_GET_ITEM(object, i); };
    return {ints(item(0), tree, "left_children"),      ints(item(1), tree, "right_children"),
            ints(item(2), tree, "split_indices"),      ints(item(3), tree, "default_left"),
            ints(item(4), tree, "split_type"),         floats(item(5), tree, "split_conditions"),
            floats(item(6), tree, "sum_hessian"),      floats(item(7), tree, "loss_changes"),
            ints(item(8), tree, "categories"),         ints(item(9), tree, "categories_nodes"),
            ints(item(10), tree, "categories_segments"), ints(item(11), tree, "categories_sizes")};
}

}  // namespace

std::unique_ptr<Forest> forest_from_python(int64_t n_features, double base_margin, nb::handle trees) {
    if (n_features < 1 || n_features > kMaxFeatures)
        throw BadModel("num_feature is " + std::to_string(n_features) + ", not from 1 to " + std::to_string(kMaxFeatures));
    if (!PyList_Check(trees.ptr())) throw BadModel("trees must be a list");
    std::vector<RawTree> raw;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(trees.ptr()); ++i)
        raw.push_back(tree_from_python(PyList_GET_ITEM(trees.ptr(), i), size_t(i)));
    return std::make_unique<Forest>(int32_t(n_features), float(base_margin), raw);
}

}  // namespace leadscoring
