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
#include "text_table.hpp"

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

// Texts that were encoded, since most come again: a title, a domain, an interest. Where few do, it is given up.
class Memory {
  public:
    struct Entry {
        std::string_view text;
        size_t lead = 0;  // where it was encoded
        bool is_used = false, is_strange = false;
    };
    Memory() : entries_(kEntries) {}

    // Returns the entry of a text, of which it may hold another; null if it was given up.
    Entry* find(std::string_view text) {
        if (asked_ == kTried && hits_ * 4 < kTried) return nullptr;
        asked_ += asked_ < kTried;
        return &entries_[quick_hash(text) % kEntries];
    }
    bool holds(const Entry& entry, std::string_view text) {
        const bool found = entry.is_used && entry.text == text;
        hits_ += found && asked_ < kTried;
        return found;
    }

  private:
    static constexpr size_t kEntries = 4096, kTried = 8192;
    std::vector<Entry> entries_;
    size_t asked_ = 0, hits_ = 0;
};

}  // namespace

// The matrix of columns that is filled, each as long as there are leads.
struct Encoder::Matrix {
    float* begin;
    size_t leads;
    float* column(size_t place) const { return begin + place * leads; }
};

TokenColumns::Found Encoder::encode_cell(const Feature& about, std::string_view text, float* out, Scratch& scratch) const {
    if (is_ascii(text)) return about.tokens->encode(text, scratch.tokens, out);
    const nb::gil_scoped_acquire held;  // the other texts need Python's tables of characters
    return about.tokens->encode(python_text(text).ptr(), scratch.tokens, out);
}

void Encoder::encode_texts(const Feature& about, const TextCells& texts, const Matrix& to, Rows& notes) const {
    Scratch scratch;
    Memory memory;
    std::vector<float> row(static_cast<size_t>(about.width));
    const auto put = [&](size_t lead, auto value) {
        for (size_t i = 0; i < row.size(); ++i) to.column(size_t(about.first) + i)[lead] = value(i);
    };
    for (size_t lead = 0; lead < to.leads; ++lead) {
        if (texts.is_null(lead)) {
            put(lead, [](size_t) { return kMissing; });
            continue;
        }
        const std::string_view text = texts.at(lead);
        Memory::Entry* entry = memory.find(text);
        bool is_strange;
        if (entry && memory.holds(*entry, text)) {
            put(lead, [&](size_t i) { return to.column(size_t(about.first) + i)[entry->lead]; });
            is_strange = entry->is_strange;
        } else {
            std::fill(row.begin(), row.end(), kMissing);
            is_strange = encode_cell(about, text, row.data(), scratch) == TokenColumns::Found::strange;
            put(lead, [&](size_t i) { return row[i]; });
            if (entry) *entry = {text, lead, true, is_strange};
        }
        if (is_strange && about.width > 0) notes.unseen.emplace_back(int32_t(lead), about.first);
    }
}

// Encodes values of Python, as lead by lead.
void Encoder::encode_values(size_t feature, const Items& values, const Matrix& to, Rows& notes) const {
    const Feature& about = features_[feature];
    const nb::gil_scoped_acquire held;
    Scratch scratch;
    scratch.moments.assign(features_.size(), kNoMoment);
    std::vector<float> row(static_cast<size_t>(columns_));
    for (size_t lead = 0; lead < to.leads; ++lead) {
        std::fill(row.begin() + about.first, row.begin() + about.first + about.width, kMissing);
        if (values.begin[lead] != Py_None)
            encode_aspects(about, values.begin[lead], Py_ssize_t(lead), feature, row.data(), notes, scratch);
        for (int32_t i = about.first; i < about.first + about.width; ++i) to.column(size_t(i))[lead] = row[size_t(i)];
    }
}

// The moments of a date; kNoMoment for unknown.
std::vector<int64_t> Encoder::moments_in(size_t feature, const Cells* cells, const Items* values, size_t leads) const {
    std::vector<int64_t> moments(leads, kNoMoment);
    if (cells) {
        const int64_t* whole = cells->whole();
        for (size_t lead = 0; lead < leads; ++lead)
            if (!cells->is_null(lead)) moments[lead] = whole[lead];
        return moments;
    }
    const nb::gil_scoped_acquire held;
    Scratch scratch;
    scratch.moments.assign(features_.size(), kNoMoment);
    Rows none;
    for (size_t lead = 0; lead < leads; ++lead) {
        scratch.moments[feature] = kNoMoment;
        if (values->begin[lead] != Py_None)
            encode_aspects(features_[feature], values->begin[lead], Py_ssize_t(lead), feature, nullptr, none, scratch);
        moments[lead] = scratch.moments[feature];
    }
    return moments;
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
    const Filled<float> filled(out);
    filled.check(leads * size_t(columns_), "the encoded columns");
    const Matrix to{filled.data(), leads};
    Rows notes;
    nb::gil_scoped_release release;
    std::vector<std::vector<int64_t>> dates(features_.size());
    for (size_t i = 0; i < features_.size(); ++i) {
        const FeatureCells& own = cells[i];
        if (features_[i].date) {
            dates[i] = moments_in(i, own.moments ? &*own.moments : nullptr, own.values ? &*own.values : nullptr, leads);
            for (const size_t lead : features_[i].date->drop_beyond(dates[i], moments))
                if (features_[i].width > 0) notes.future.emplace_back(int32_t(lead), features_[i].first);
        } else if (own.texts) {
            encode_texts(features_[i], *own.texts, to, notes);
        } else {
            encode_values(i, *own.values, to, notes);
        }
    }
    for (const size_t date : dates_)
        features_[date].date->encode(date, dates, moments, leads, to.column(size_t(features_[date].first)));
    return notes;
}

}  // namespace leadscoring
