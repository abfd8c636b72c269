#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "parquet_packed.hpp"

namespace leadscoring {

constexpr uint8_t kElement = 4;  // the level of a value in a list of structs, all of which may be null

// Where the values of a column are: in rows, or in lists of up to `width` for each row, as many as `there` has, 0 or more.
struct Layout {
    size_t rows, width;
    std::optional<Given<int32_t>> there;

    size_t cells() const { return rows * std::max<size_t>(width, 1); }
    bool has(size_t cell) const { return !there || there->data()[cell] >= 0; }
    bool is_full() const {
        return !there || std::none_of(there->data(), there->data() + there->size(), [](int32_t one) { return one < 0; });
    }
};

// The levels of a column's cells; nulls are those that `is_null` says.
class Levels {
  public:
    size_t count = 0, nulls = 0;
    std::string written;

    template <class IsNull>
    Levels(const Layout& layout, IsNull is_null) {
        if (layout.width == 0) rows(layout.rows, is_null);
        else if (layout.is_full()) full(layout, is_null);
        else lists(layout, is_null);
    }

  private:
    template <class IsNull>
    void rows(size_t size, IsNull is_null) {
        defined_.resize(size);
        for (size_t row = 0; row < size; ++row) defined_[row] = !is_null(row);
        finish(1, 1);
    }

    // As many in each list: only the first of each begins one.
    template <class IsNull>
    void full(const Layout& layout, IsNull is_null) {
        const size_t cells = layout.cells();
        put(written, uint32_t(0));
        put_varint(written, uint64_t((cells + 7) / 8) << 1 | 1);
        const size_t first = written.size();
        written.resize(first + (cells + 7) / 8, char(0xff));
        for (size_t cell = 0; cell < cells; cell += layout.width) written[first + cell / 8] &= char(~(1u << cell % 8));
        const uint32_t bytes = uint32_t(written.size() - sizeof bytes);
        std::memcpy(written.data(), &bytes, sizeof bytes);
        defined_.resize(cells);
        for (size_t cell = 0; cell < cells; ++cell) defined_[cell] = uint8_t(kElement - is_null(cell));
        finish(kElement, 3);
    }

    template <class IsNull>
    void lists(const Layout& layout, IsNull is_null) {
        std::vector<uint8_t> repeated;
        for (size_t row = 0; row < layout.rows; ++row) {
            const size_t first = row * layout.width, before = defined_.size();
            for (size_t cell = first; cell < first + layout.width && layout.has(cell); ++cell) {
                repeated.push_back(cell > first);
                defined_.push_back(uint8_t(kElement - is_null(cell)));
            }
            if (defined_.size() > before) continue;
            repeated.push_back(0);
            defined_.push_back(1);  // a list of nothing
        }
        put_levels(written, repeated, 1);
        finish(kElement, 3);
    }

    void finish(uint8_t value, unsigned bits) {
        count = defined_.size();
        nulls = count - size_t(std::count(defined_.begin(), defined_.end(), value));
        put_levels(written, defined_, bits);
    }

    std::vector<uint8_t> defined_;
};

}  // namespace leadscoring
