#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstring>

namespace leadscoring {

namespace nb = nanobind;

// A writable buffer of doubles, owned by the caller and possibly shared between processes; kept open.
class Doubles {
public:
    explicit Doubles(nb::handle object) {
        if (PyObject_GetBuffer(object.ptr(), &view_, PyBUF_CONTIG | PyBUF_FORMAT) != 0) throw nb::python_error();
        if (view_.format && std::strcmp(view_.format, "d") == 0) return;
        PyBuffer_Release(&view_);
        throw nb::value_error("the numbers must be doubles");
    }
    ~Doubles() { PyBuffer_Release(&view_); }
    Doubles(const Doubles&) = delete;
    Doubles& operator=(const Doubles&) = delete;

    double* data() const { return static_cast<double*>(view_.buf); }
    size_t size() const { return size_t(view_.len) / sizeof(double); }

    // Whether the buffer contains `width` numbers from `place` on.
    bool hold(size_t place, size_t width) const { return place < size() && width <= size() - place; }

private:
    Py_buffer view_;
};

}  // namespace leadscoring
