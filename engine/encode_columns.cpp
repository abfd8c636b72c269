// Encodes features with aspects column by column, with the same results as lead by lead.

#include <limits>
#include <optional>
#include <string>

#include "arrays.hpp"
#include "cells.hpp"
#include "encode.hpp"
#include "moment.hpp"
#include "tables.hpp"
#include "text_cells.hpp"

namespace leadscoring {

namespace {

nb::object python_text(std::string_view text) {
    nb::object made = nb::steal(PyUnicode_DecodeUTF8(text.data(), Py_ssize_t(text.size()), nullptr));
    if (!made.is_valid()) throw nb::python_error();
    return made;
}

// The cells of one feature: moments, texts, or a list of Python's values.
struct FeatureCells {
    std::optional<Cells> moments;
    std::optional<TextCells> texts;
    std::optional<Items> values;

    FeatureCells(nb::handle column, bool is_date) {
        if (PyList_Check(column.ptr())) values.emplace(items_of(column, "a column must be a list or a series"));
        else if (is_date) moments.emplace(column);
        else texts.emplace(column);
        if (moments) moments->whole();  // refuses other numbers
    }
    size_t size() const { return values ? size_t(values->size) : moments ? moments->size() : texts->size(); }
};

}  // namespace

TokenColumns::Found Encoder::encode_cell(const Feature& about, const TextCells& texts, size_t row, float* out,
                                         Scratch& scratch) const {
    if (texts.is_null(row)) return TokenColumns::Found::unknown;
    const std::string_view text = texts.at(row);
    if (is_ascii(text)) return about.tokens->encode(text, scratch.tokens, out);
    const nb::gil_scoped_acquire held;  // the other texts need Python's tables of characters
    return about.tokens->encode(python_text(text).ptr(), scratch.tokens, out);
}

Rows Encoder::encode_columns(nb::handle columns, nb::handle as_of, nb::handle out) const {
    const Items items = items_of(columns, "columns must be a list");
    if (size_t(items.size) != features_.size()) throw nb::value_error("there must be a column for each feature");
    std::vector<FeatureCells> cells;
    for (size_t i = 0; i < features_.size(); ++i) {
        if (features_[i].kind < Kind::date) throw nb::type_error("only features with aspects are encoded by column");
        cells.emplace_back(nb::handle(items.begin[i]), features_[i].date != nullptr);
    }
    const Cells stamps(as_of);
    const int64_t* moments = stamps.whole();
    const size_t leads = stamps.size();
    for (const FeatureCells& one : cells)
        if (one.size() != leads) throw nb::value_error("all columns must have one cell a lead");
    const Filled<float> to(out);
    to.check(leads * size_t(columns_), "the encoded columns");
    Scratch scratch;
    scratch.moments.assign(features_.size(), kNoMoment);
    std::vector<float> row(static_cast<size_t>(columns_));
    Rows notes;
    nb::gil_scoped_release release;
    for (size_t lead = 0; lead < leads; ++lead) {
        std::fill(row.begin(), row.end(), kMissing);
        scratch.as_of = moments[lead];
        for (size_t i = 0; i < features_.size(); ++i) {
            const Feature& about = features_[i];
            if (cells[i].moments) {
                if (!cells[i].moments->is_null(lead)) scratch.moments[i] = cells[i].moments->whole()[lead];
            } else if (cells[i].texts) {
                if (encode_cell(about, *cells[i].texts, lead, row.data() + about.first, scratch) ==
                        TokenColumns::Found::strange && about.width > 0)
                    notes.unseen.emplace_back(int32_t(lead), about.first);
            } else if (cells[i].values->begin[lead] != Py_None) {
                const nb::gil_scoped_acquire held;
                encode_aspects(about, cells[i].values->begin[lead], Py_ssize_t(lead), i, row.data(), notes, scratch);
            }
        }
        if (!dates_.empty()) encode_dates(Py_ssize_t(lead), row.data(), notes, scratch);
        for (size_t i = 0; i < row.size(); ++i) to.data()[i * leads + lead] = row[i];
    }
    return notes;
}

}  // namespace leadscoring
