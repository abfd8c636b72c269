#include "cells.hpp"

#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "arrow.hpp"
#include "tables.hpp"

namespace leadscoring {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

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
    std::optional<ArrowColumn> column;
    ~Owner() {
        if (view.obj) PyBuffer_Release(&view);
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
    const ArrowColumn& opened = owner_->column.emplace(column);
    source_ = {type_of(opened.format().c_str()), opened.buffer(1), opened.valid(), opened.offset()};
    size_ = opened.size();
    if (source_.type == CellType::none) source_.valid = nullptr;
}

const int64_t* Cells::whole() const {
    if (source_.type != CellType::i64) throw nb::type_error("moments must be a series of int64");
    return static_cast<const int64_t*>(source_.values) + source_.offset;
}

bool Cells::is_null(size_t place) const { return source_.valid && !bit(source_.valid, source_.offset + place); }

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
