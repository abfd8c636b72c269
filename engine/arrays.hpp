#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// How a buffer describes its elements.
template <class T> inline constexpr const char* kFormat = nullptr;
template <> inline constexpr const char* kFormat<float> = "f";
template <> inline constexpr const char* kFormat<double> = "d";
template <> inline constexpr const char* kFormat<int32_t> = "i";
template <> inline constexpr const char* kFormat<int64_t> = "l";
template <> inline constexpr const char* kFormat<uint32_t> = "I";
template <> inline constexpr const char* kFormat<uint8_t> = "B";

// A C-contiguous buffer of the caller, such as an array of numpy, kept open. Read only unless `T` may be written.
template <class T, bool writable>
class Array {
  public:
    explicit Array(nb::handle object) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object.ptr(), &view_, flags) != 0) throw nb::python_error();
        if (view_.format && std::strcmp(view_.format, kFormat<T>) == 0 && view_.itemsize == sizeof(T)) return;
        PyBuffer_Release(&view_);
        throw nb::type_error((std::string("a C-contiguous buffer of format ") + kFormat<T> + " is needed").c_str());
    }
    ~Array() {
        if (view_.obj) PyBuffer_Release(&view_);
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    Array(Array&& other) noexcept : view_(other.view_) { other.view_.obj = nullptr; }

    T* data() const { return static_cast<T*>(view_.buf); }
    size_t size() const { return size_t(view_.len) / sizeof(T); }

    // Raises ValueError unless it has this many elements.
    void check(size_t size, const char* what) const {
        if (this->size() != size)
            throw nb::value_error((std::string(what) + " must have " + std::to_string(size) + " elements, not " +
                                   std::to_string(this->size()))
                                      .c_str());
    }

  private:
    Py_buffer view_{};
};

template <class T> using Given = Array<T, false>;
template <class T> using Filled = Array<T, true>;

}  // namespace leadscoring
