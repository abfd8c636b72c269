#include "reasons.hpp"

#include <cstring>

namespace leadscoring {

ReasonCounter::ReasonCounter(nb::object forest, nb::handle numbers) : forest_(std::move(forest)) {
    if (!nb::isinstance<Forest>(forest_)) throw nb::type_error("reasons are those of a forest");
    trees_ = nb::cast<const Forest*>(forest_);
    if (PyObject_GetBuffer(numbers.ptr(), &buffer_, PyBUF_CONTIG | PyBUF_FORMAT) != 0) throw nb::python_error();
    size_ = size_t(buffer_.len) / sizeof(double);
    const bool doubles = buffer_.format && std::strcmp(buffer_.format, "d") == 0;
    if (!doubles || size_ % 2 != 0) {
        PyBuffer_Release(&buffer_);
        throw nb::value_error(doubles ? "the numbers must be two a feature" : "the numbers must be doubles");
    }
}

ReasonCounter::~ReasonCounter() { PyBuffer_Release(&buffer_); }

}  // namespace leadscoring
