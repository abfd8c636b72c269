#include "text_table.hpp"

#include <algorithm>

#include "arrays.hpp"
#include "moment.hpp"
#include "text_cells.hpp"

namespace leadscoring {

TextTable::TextTable(nb::handle texts) {
    for (const nb::handle one : texts) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(one.ptr(), &size);
        if (!text) throw nb::python_error();
        texts_.emplace_back(text, size_t(size));
        longest_ = std::max(longest_, size_t(size));
    }
    size_t slots = 2;
    while (slots < 2 * texts_.size()) slots *= 2;
    slots_.assign(slots, -1);
    mask_ = slots - 1;
    for (size_t i = 0; i < texts_.size(); ++i) {
        if (find(texts_[i]) < texts_.size()) throw nb::value_error("the texts of a table must be different");
        size_t slot = quick_hash(texts_[i]) & mask_;
        while (slots_[slot] >= 0) slot = (slot + 1) & mask_;
        slots_[slot] = int32_t(i);
    }
    shorts_.assign(8 * slots, {{0, 0}, uint32_t(texts_.size())});
    for (size_t i = 0; i < texts_.size(); ++i) note_short(uint32_t(i));
}

void TextTable::note_short(uint32_t place) {
    const std::string& text = texts_[place];
    if (text.empty() || text.size() > 12) return;
    char view[16] = {};
    const int32_t size = int32_t(text.size());
    std::memcpy(view, &size, sizeof size);
    std::memcpy(view + sizeof size, text.data(), text.size());
    Short made{{0, 0}, place};
    std::memcpy(made.words, view, sizeof view);
    Short& slot = shorts_[slot_of(made.words) & (shorts_.size() - 1)];
    if (slot.words[0] == 0) slot = made;
}

size_t TextTable::places(nb::handle column, nb::handle out) const {
    const TextCells cells(column);
    const Filled<uint32_t> places(out);
    places.check(cells.size(), "places");
    const nb::gil_scoped_release release;
    const uint32_t count = uint32_t(texts_.size());
    size_t others = 0;
    for (size_t i = 0; i < cells.size(); ++i) {
        uint32_t place = count + 1;
        if (!cells.is_null(i)) {
            const char* view = cells.view(i);
            place = view ? find_view(view) : count;
            if (place == count) place = find(cells.at(i));
        }
        others += place == count;
        places.data()[i] = place;
    }
    return others;
}

void read_moments(nb::handle column, nb::handle moments, nb::handle marks) {
    const TextCells cells(column);
    const Filled<int64_t> out(moments);
    const Filled<uint8_t> odd(marks);
    out.check(cells.size(), "moments");
    odd.check(cells.size(), "marks");
    const nb::gil_scoped_release release;
    for (size_t i = 0; i < cells.size(); ++i) {
        const bool known = !cells.is_null(i);
        out.data()[i] = known ? parse_moment(stripped(cells.at(i))) : kNoMoment;
        odd.data()[i] = known && out.data()[i] == kNoMoment;
    }
}

void bind_text_table(nb::module_& m) {
    nb::class_<TextTable>(m, "TextTable")
        .def(nb::init<nb::handle>(), nb::arg("texts"))
        .def("places", &TextTable::places, nb::arg("column"), nb::arg("places"));
    m.def("read_moments", &read_moments, nb::arg("column"), nb::arg("moments"), nb::arg("marks"));
}

}  // namespace leadscoring
