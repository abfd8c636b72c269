#pragma once

// The cells of a column and what may be in them, as the kernels read them: see kernel.hpp.

#include <cstddef>
#include <cstdint>

namespace leadscoring {

enum class CellType { i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, bits, none };

struct CellSource {
    CellType type = CellType::none;
    const void* values = nullptr;
    const uint8_t* valid = nullptr;  // bits, or null where all are
    size_t offset = 0;               // of the first cell in both
};

constexpr int kAny = 0, kWhole = 1, kFlag = 2;

struct CellRule {
    double low, high;  // both allowed
    int fit;           // kAny, kWhole, or kFlag
    bool required;
    float missing;     // the number that means missing, NaN for none; it fits even out of bounds
};

}  // namespace leadscoring
