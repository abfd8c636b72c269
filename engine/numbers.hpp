#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arrays.hpp"

namespace leadscoring {

// Encodes columns of doubles as rows, and notes the rows that a contract might refuse. Immutable.
class NumberColumns {
  public:
    enum class Fit : int { any = 0, whole = 1, flag = 2 };
    struct Column {
        int32_t place;      // of the rows' columns
        double low, high;   // both allowed
        Fit fit;
        bool required;
    };
    // `columns` has a tuple (place, low, high, fit, required) for each column, `width` is that of the rows, and
    // `missing` the number that means missing, NaN for none.
    NumberColumns(nb::handle columns, int64_t width, float missing);

    // Writes the columns, NaN for missing, to `rows` of shape (leads, width), whose other columns stay as they are, and
    // 1 to `doubtful` for each row of which a number does not fit or a required one is missing; other rows stay too.
    void encode(nb::handle columns, nb::handle rows, nb::handle doubtful) const;

  private:
    template <Fit fit>
    void encode_column(const Column& about, const double* from, size_t first, size_t last, float* rows,
                       uint8_t* doubtful) const;
    void encode_one(const Column& about, const double* from, size_t first, size_t last, float* rows,
                    uint8_t* doubtful) const;

    std::vector<Column> columns_;
    size_t width_;
    float missing_;
};

void bind_numbers(nb::module_& m);

}  // namespace leadscoring
