#include "recorder.hpp"

#include <algorithm>

namespace leadscoring {

Recorder::Recorder(nb::handle numbers, nb::handle plan) : numbers_(numbers) {
    for (nb::handle entry : plan) {
        nb::object edges = entry[1];
        Series series{nb::cast<size_t>(entry[0]), {}, !edges.is_none()};
        if (series.is_histogram)
            for (nb::handle edge : edges) series.edges.push_back(nb::cast<double>(edge));
        plan_.push_back(std::move(series));
    }
    const bool inside = std::all_of(plan_.begin(), plan_.end(), [this](const Series& series) {
        return numbers_.hold(series.place, series.is_histogram ? series.edges.size() + 2 : 1);
    });
    if (!inside) throw nb::value_error("a series lies outside of the numbers");
}

void Recorder::record(nb::args values) {
    if (values.size() != plan_.size()) throw nb::value_error("there must be one value for each series");
    for (size_t i = 0; i < plan_.size(); ++i) {
        const double value = PyFloat_AsDouble(PyTuple_GET_ITEM(values.ptr(), Py_ssize_t(i)));
        if (value == -1.0 && PyErr_Occurred()) throw nb::python_error();
        add(plan_[i], value);
    }
}

void Recorder::add(const Series& series, double value) {
    double* numbers = numbers_.data() + series.place;
    if (!series.is_histogram) {
        *numbers += value;
        return;
    }
    const auto& edges = series.edges;
    numbers[std::lower_bound(edges.begin(), edges.end(), value) - edges.begin()] += 1.0;
    numbers[edges.size() + 1] += value;
}

}  // namespace leadscoring
