#include "cells.hpp"

#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "tables.hpp"

namespace leadscoring {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The C data and stream interfaces of Arrow, which are fixed forever.
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

struct ArrowArrayStream {
    int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
    int (*get_next)(ArrowArrayStream*, ArrowArray*);
    const char* (*get_last_error)(ArrowArrayStream*);
    void (*release)(ArrowArrayStream*);
    void* private_data;
};

bool bit(const uint8_t* bits, size_t place) { return bits[place / 8] >> (place % 8) & 1; }

CellType type_of(const char* format) {
    using Type = CellType;
    constexpr std::pair<char, Type> kTypes[] = {{'c', Type::i8},  {'s', Type::i16}, {'i', Type::i32}, {'l', Type::i64},
                                                {'C', Type::u8},  {'S', Type::u16}, {'I', Type::u32}, {'L', Type::u64},
                                                {'f', Type::f32}, {'g', Type::f64}, {'b', Type::bits}, {'n', Type::none}};
    for (const auto& [letter, type] : kTypes)
        if (format[0] == letter && format[1] == 0) return type;
    throw nb::type_error((std::string("a column of Arrow's format ") + format + " holds no numbers").c_str());
}

constexpr const char* kRules = "rules must be tuples of low, high, fit, required and missing";

CellRule rule_of(nb::handle given) {
    const Items items = items_of(given, kRules);
    if (items.size != 5) throw nb::value_error(kRules);
    const auto item = [&](int i) { return nb::handle(items.begin[i]); };
    const int64_t fit = nb::cast<int64_t>(item(2));
    if (fit < kAny || fit > kFlag) throw nb::value_error("what fits must be 0 (any), 1 (whole) or 2 (flag)");
    return {nb::cast<double>(item(0)), nb::cast<double>(item(1)), int(fit), nb::cast<bool>(item(3)),
            nb::cast<float>(item(4))};
}

template <class T>
double cell(const void* values, size_t place) {
    return double(static_cast<const T*>(values)[place]);
}

}  // namespace

struct Cells::Owner {
    Py_buffer view{};
    ArrowArray array{};
    ~Owner() {
        if (view.obj) PyBuffer_Release(&view);
        if (array.release) array.release(&array);
    }
};

Cells::Cells(nb::handle column) : owner_(std::make_unique<Owner>()) {
    if (nb::hasattr(column, "__arrow_c_stream__")) open_stream(column);
    else open_buffer(column);
}

Cells::~Cells() = default;
Cells::Cells(Cells&&) noexcept = default;

void Cells::open_buffer(nb::handle column) {
    Py_buffer& view = owner_->view;
    if (PyObject_GetBuffer(column.ptr(), &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) throw nb::python_error();
    const bool single = view.format && std::strcmp(view.format, "f") == 0;
    if (!single && !(view.format && std::strcmp(view.format, "d") == 0))
        throw nb::type_error("a column must be a series of Arrow, or a buffer of float or double");
    source_.type = single ? CellType::f32 : CellType::f64;
    source_.values = view.buf;
    size_ = size_t(view.len / view.itemsize);
}

void Cells::open_stream(nb::handle column) {
    const nb::object capsule = column.attr("__arrow_c_stream__")();
    auto* stream = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), "arrow_array_stream"));
    if (!stream) throw nb::python_error();
    ArrowSchema schema{};
    if (stream->get_schema(stream, &schema) != 0) throw nb::value_error("the stream of Arrow has no schema");
    const std::string format = schema.format;
    if (schema.release) schema.release(&schema);
    source_.type = type_of(format.c_str());
    ArrowArray& array = owner_->array;
    if (stream->get_next(stream, &array) != 0) throw nb::value_error("the stream of Arrow cannot be read");
    if (!array.release) return;  // a stream without chunks has no rows
    ArrowArray more{};
    if (stream->get_next(stream, &more) != 0) throw nb::value_error("the stream of Arrow cannot be read");
    if (more.release) {
        more.release(&more);
        throw nb::value_error("a column must be one chunk");
    }
    size_ = size_t(array.length);
    source_.offset = size_t(array.offset);
    if (source_.type == CellType::none) return;
    source_.valid = array.null_count == 0 ? nullptr : static_cast<const uint8_t*>(array.buffers[0]);
    source_.values = array.buffers[1];
}

double Cells::at(size_t place) const {
    const size_t at = source_.offset + place;
    const void* values = source_.values;
    if (source_.type == CellType::none || (source_.valid && !bit(source_.valid, at))) return kNaN;
    switch (source_.type) {
        case CellType::i8: return cell<int8_t>(values, at);
        case CellType::i16: return cell<int16_t>(values, at);
        case CellType::i32: return cell<int32_t>(values, at);
        case CellType::i64: return cell<int64_t>(values, at);
        case CellType::u8: return cell<uint8_t>(values, at);
        case CellType::u16: return cell<uint16_t>(values, at);
        case CellType::u32: return cell<uint32_t>(values, at);
        case CellType::u64: return cell<uint64_t>(values, at);
        case CellType::f32: return cell<float>(values, at);
        case CellType::f64: return cell<double>(values, at);
        default: return bit(static_cast<const uint8_t*>(values), at) ? 1.0 : 0.0;
    }
}

std::vector<Cells> cells_of(nb::handle columns, size_t count, size_t leads) {
    const Items items = items_of(columns, "columns must be a sequence");
    if (size_t(items.size) != count)
        throw nb::value_error(("there must be " + std::to_string(count) + " columns, not " + std::to_string(items.size)).c_str());
    std::vector<Cells> cells;
    for (Py_ssize_t i = 0; i < items.size; ++i) {
        cells.emplace_back(nb::handle(items.begin[i]));
        if (cells.back().size() != leads) throw nb::value_error("all columns must have one cell a lead");
    }
    return cells;
}

std::vector<CellRule> cell_rules(nb::handle rules) {
    const Items items = items_of(rules, kRules);
    std::vector<CellRule> made;
    for (Py_ssize_t i = 0; i < items.size; ++i) made.push_back(rule_of(items.begin[i]));
    return made;
}

}  // namespace leadscoring
