#pragma once

#include <Python.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <nanobind/nanobind.h>

#include "cell_source.hpp"

namespace leadscoring {

namespace nb = nanobind;

// A column of numbers or booleans of the caller, read where it lies: a series of Arrow (an object with
// `__arrow_c_stream__`, in one chunk), or a buffer of float or double. Null and NaN are the same.
class Cells {
  public:
    explicit Cells(nb::handle column);
    ~Cells();
    Cells(Cells&&) noexcept;
    Cells(const Cells&) = delete;
    Cells& operator=(const Cells&) = delete;

    size_t size() const { return size_; }

    const CellSource& source() const { return source_; }

    // One cell, NaN for null.
    double at(size_t place) const;

    // All cells, if they are int64; those that are null mean nothing. Raises TypeError for others.
    const int64_t* whole() const;
    bool is_null(size_t place) const;

  private:
    struct Owner;
    void open_buffer(nb::handle column);
    void open_stream(nb::handle column);

    std::unique_ptr<Owner> owner_;
    CellSource source_;
    size_t size_ = 0;
};

// Opens the columns of a table, all of the same length.
std::vector<Cells> cells_of(nb::handle columns, size_t count, size_t leads);

// Reads tuples of low, high, fit, required and missing.
std::vector<CellRule> cell_rules(nb::handle rules);

}  // namespace leadscoring
