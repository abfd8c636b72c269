#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <nanobind/nanobind.h>

namespace leadscoring {

namespace nb = nanobind;

// A column that is filled cell by cell, and that Arrow (`__arrow_c_array__`) then reads where it lies: doubles, or texts
// within a block of bytes, which it keeps alive. Cells that are not set are null.
class MadeColumn {
  public:
    // A text as Arrow's views have it: inline if it has at most 12 bytes, else a place within a buffer.
    struct View {
        int32_t size;
        char start[4];
        union {
            char more[8];
            int32_t place[2];  // the buffer, and the offset in it
        };
    };

    // Several columns of numbers, in one piece of memory.
    static std::vector<MadeColumn> of_numbers(size_t rows, size_t count);
    static MadeColumn of_texts(size_t rows, nb::object block);

    void set(size_t row, double number) {
        numbers_[row] = number;
        mark(row);
    }
    void set(size_t row, std::string_view text);

    // The schema and the array, as capsules; the array keeps what it shows.
    nb::object exported() const;

  private:
    struct Kept;
    MadeColumn(std::shared_ptr<Kept> kept, double* numbers);
    void mark(size_t row) { valid_[row / 8] |= uint8_t(1u << (row % 8)); }

    std::shared_ptr<Kept> kept_;
    double* numbers_ = nullptr;
    View* views_ = nullptr;
    uint8_t* valid_ = nullptr;
    const char* block_ = nullptr;
};

void bind_arrow_made(nb::module_& m);

}  // namespace leadscoring
