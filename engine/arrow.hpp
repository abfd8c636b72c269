#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// The C data interface of Arrow, which is fixed forever.
struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    ArrowSchema** children;
    ArrowSchema* dictionary;
    void (*release)(ArrowSchema*);
    void* private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void** buffers;
    ArrowArray** children;
    ArrowArray* dictionary;
    void (*release)(ArrowArray*);
    void* private_data;
};

inline bool bit(const uint8_t* bits, size_t place) { return bits[place / 8] >> (place % 8) & 1; }

// A column of an object with `__arrow_c_stream__`, in one chunk, kept alive.
class ArrowColumn {
  public:
    ArrowColumn() = default;
    // Raises ValueError if it is several chunks, or cannot be read.
    explicit ArrowColumn(nb::handle column);
    ~ArrowColumn() { if (array_.release) array_.release(&array_); }
    ArrowColumn(ArrowColumn&& other) noexcept : format_(std::move(other.format_)), array_(other.array_) {
        other.array_.release = nullptr;
    }
    ArrowColumn(const ArrowColumn&) = delete;
    ArrowColumn& operator=(const ArrowColumn&) = delete;

    const std::string& format() const { return format_; }
    size_t size() const { return size_t(array_.length); }
    size_t offset() const { return size_t(array_.offset); }
    const void* buffer(int64_t place) const { return place < array_.n_buffers ? array_.buffers[place] : nullptr; }

    // Bits, or null where all cells are valid.
    const uint8_t* valid() const {
        return array_.null_count == 0 ? nullptr : static_cast<const uint8_t*>(buffer(0));
    }

  private:
    std::string format_;
    ArrowArray array_{};
};

}  // namespace leadscoring
