// Part of kernel_body.hpp: checks the cells of a column and narrows them to what the trees see, eight at a time.

typedef double Wide __attribute__((vector_size(64), may_alias));
typedef int64_t Mask __attribute__((vector_size(64), may_alias));
typedef float Narrow __attribute__((vector_size(32), may_alias));

template <class T>
LEADSCORING_INLINE Wide widened(const T* from, size_t count) {
    typedef T Eight __attribute__((vector_size(8 * sizeof(T))));
    Eight cells = {};
    __builtin_memcpy(&cells, from, (count < 8 ? count : 8) * sizeof(T));
    return __builtin_convertvector(cells, Wide);
}

// Eight bits from a place on, as masks; those behind `count` are not read.
LEADSCORING_INLINE Mask bits_at(const uint8_t* bits, size_t place, size_t count) {
    const size_t shift = place % 8;
    unsigned byte = unsigned(bits[place / 8]) >> shift;
    if (shift + (count < 8 ? count : 8) > 8) byte |= unsigned(bits[place / 8 + 1]) << (8 - shift);
    const int64_t each = int64_t(byte);
    return (Mask{each, each, each, each, each, each, each, each} & Mask{1, 2, 4, 8, 16, 32, 64, 128}) != 0;
}

LEADSCORING_INLINE Wide eight(double x) { return Wide{x, x, x, x, x, x, x, x}; }

// Adding and taking away this rounds a double to a whole number, if it is less than half of it. Larger ones may count as
// doubtful though they are whole.
constexpr double kRound = 6755399441055744.0;

template <class T, bool bit>
void encode_type(const CellSource& from, const CellRule& rule, size_t first, size_t count, float* out, int64_t* doubt) {
    const size_t begin = from.offset + first;
    const Wide low = eight(rule.low), high = eight(rule.high), nan = eight(__builtin_nan("")), zero = {}, one = eight(1);
    const int64_t needed = rule.required ? -1 : 0;
    const Mask required = {needed, needed, needed, needed, needed, needed, needed, needed};
    const bool marks = rule.missing == rule.missing, whole = rule.fit == kWhole && T(0.5) != T(0), flag = rule.fit == kFlag;
    for (size_t i = 0; i < count; i += 8) {
        const size_t left = count - i;
        Wide value;
        if constexpr (bit) {
            value = bits_at(static_cast<const uint8_t*>(from.values), begin + i, left) ? one : zero;
        } else {
            value = widened(static_cast<const T*>(from.values) + begin + i, left);
        }
        if (from.valid) value = bits_at(from.valid, begin + i, left) ? value : nan;
        Narrow narrowed = __builtin_convertvector(value, Narrow);
        const Mask absent = value != value;
        Mask unfit = ~((value >= low) & (value <= high));
        if (whole) unfit |= (value + kRound) - kRound != value;
        if (flag) unfit = (value != zero) & (value != one);
        unfit = (absent & required) | (~absent & unfit);
        if (marks) {
            const auto marked = narrowed == rule.missing;
            unfit &= ~__builtin_convertvector(marked, Mask);
            narrowed = marked ? narrowed + __builtin_nanf("") : narrowed;
        }
        __builtin_memcpy(out + i, &narrowed, sizeof narrowed);
        *reinterpret_cast<Mask*>(doubt + i) |= unfit;
    }
}

void encode_cells(const CellSource& from, const CellRule& rule, size_t first, size_t count, float* out, int64_t* doubt) {
    switch (from.type) {
        case CellType::i8: return encode_type<int8_t, false>(from, rule, first, count, out, doubt);
        case CellType::i16: return encode_type<int16_t, false>(from, rule, first, count, out, doubt);
        case CellType::i32: return encode_type<int32_t, false>(from, rule, first, count, out, doubt);
        case CellType::i64: return encode_type<int64_t, false>(from, rule, first, count, out, doubt);
        case CellType::u8: return encode_type<uint8_t, false>(from, rule, first, count, out, doubt);
        case CellType::u16: return encode_type<uint16_t, false>(from, rule, first, count, out, doubt);
        case CellType::u32: return encode_type<uint32_t, false>(from, rule, first, count, out, doubt);
        case CellType::u64: return encode_type<uint64_t, false>(from, rule, first, count, out, doubt);
        case CellType::f32: return encode_type<float, false>(from, rule, first, count, out, doubt);
        case CellType::f64: return encode_type<double, false>(from, rule, first, count, out, doubt);
        case CellType::bits: return encode_type<uint8_t, true>(from, rule, first, count, out, doubt);
        case CellType::none:
            for (size_t i = 0; i < count; ++i) {
                out[i] = __builtin_nanf("");
                doubt[i] |= rule.required ? -1 : 0;
            }
    }
}
