#include "recorder.hpp"

#include <algorithm>
#include <cstring>

namespace leadscoring {

Recorder::Recorder(nb::handle numbers, nb::handle plan) {
    for (nb::handle entry : plan) {
        nb::object edges = entry[1];
        Series series{nb::cast<size_t>(entry[0]), {}, !edges.is_none()};
        if (series.is_histogram)
            for (nb::handle edge : edges) series.edges.push_back(nb::cast<double>(edge));
        plan_.push_back(std::move(series));
    }
    if (PyObject_GetBuffer(numbers.ptr(), &buffer_, PyBUF_CONTIG | PyBUF_FORMAT) != 0) throw nb::python_error();
    const bool doubles = buffer_.format && std::strcmp(buffer_.format, "d") == 0;
    const size_t size = size_t(buffer_.len) / sizeof(double);
    const bool inside = std::all_of(plan_.begin(), plan_.end(), [size](const Series& series) {
        const size_t width = series.is_histogram ? series.edges.size() + 2 : 1;
        return series.place < size && width <= size - series.place;
    });
    if (!doubles || !inside) {
        PyBuffer_Release(&buffer_);
        throw nb::value_error(doubles ? "a series lies outside of the numbers" : "the numbers must be doubles");
    }
}

Recorder::~Recorder() { PyBuffer_Release(&buffer_); }

void Recorder::record(nb::args values) {
    if (values.size() != plan_.size()) throw nb::value_error("there must be one value for each series");
    for (size_t i = 0; i < plan_.size(); ++i) {
        const double value = PyFloat_AsDouble(PyTuple_GET_ITEM(values.ptr(), Py_ssize_t(i)));
        if (value == -1.0 && PyErr_Occurred()) throw nb::python_error();
        add(plan_[i], value);
    }
}

void Recorder::add(const Series& series, double value) {
    double* numbers = static_cast<double*>(buffer_.buf) + series.place;
    if (!series.is_histogram) {
        *numbers += value;
        return;
    }
    const auto& edges = series.edges;
    numbers[std::lower_bound(edges.begin(), edges.end(), value) - edges.begin()] += 1.0;
    numbers[edges.size() + 1] += value;
}

}  // namespace leadscoring
