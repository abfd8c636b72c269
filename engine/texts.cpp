#include "texts.hpp"

#include <string>
#include <vector>

#include "skim.hpp"
#include "split.hpp"

namespace leadscoring {

namespace nb = nanobind;

namespace {

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

// A scanner that keeps its bytes alive.
template <class Reader>
struct Held {
    nb::object text, names[2];
    Reader reader;
};

using HeldSplit = Held<Split>;
using HeldSkim = Held<Skim>;

std::vector<std::string> names_from(nb::handle source) {
    std::vector<std::string> names;
    for (const nb::handle item : source) {
        if (!PyBytes_Check(item.ptr())) throw nb::type_error("names must be bytes");
        names.emplace_back(PyBytes_AS_STRING(item.ptr()), size_t(PyBytes_GET_SIZE(item.ptr())));
    }
    return names;
}

nb::object element(const HeldSplit& held, size_t place) {
    if (place >= held.reader.elements().size()) throw nb::index_error("no such element");
    const Split::Element& found = held.reader.elements()[place];
    return owned(Py_BuildValue("nnn", found.begin, found.end, found.colons));
}

nb::object groups(const HeldSplit& held, size_t bytes, size_t longest, size_t most_colons) {
    nb::list list;
    for (const Split::Group& each : held.reader.groups(bytes, longest, most_colons))
        list.append(owned(Py_BuildValue("nnnnnO", each.first, each.last, each.begin, each.end, each.colons,
                                        each.usual ? Py_True : Py_False)));
    return list;
}

nb::object known(const Keys& keys) {
    nb::list list;
    for (size_t i = 0; i < keys.values.size(); ++i)
        if (keys.times[i] > 0)
            list.append(owned(Py_BuildValue("nnnn", i, keys.values[i].begin, keys.values[i].end, keys.times[i])));
    return list;
}

nb::object unknown(const Keys& keys) {
    nb::list list;
    for (const Keys::Unknown& each : keys.unknown)
        list.append(owned(Py_BuildValue("nnnnn", each.name.begin, each.name.end, each.value.begin, each.value.end,
                                        each.times)));
    return list;
}

nb::object told(const Keys& keys) { return nb::make_tuple(known(keys), unknown(keys), keys.unknown_count); }

nb::object failure(const HeldSkim& held) {
    if (!held.reader.failure()) return nb::none();
    return nb::make_tuple(held.reader.at(), held.reader.failure());
}

}  // namespace

void bind_texts(nb::module_& m) {
    nb::class_<Names>(m, "Names")
        .def("__init__", [](Names* self, nb::handle names) { new (self) Names(names_from(names)); }, nb::arg("names"));

    nb::class_<HeldSplit>(m, "Split")
        .def(
            "__init__",
            [](HeldSplit* self, nb::bytes text, size_t limit, bool keyed) {
                new (self) HeldSplit{text, {}, Split(text.c_str(), text.size(), limit, keyed)};
            },
            nb::arg("text"), nb::arg("limit"), nb::arg("keyed") = false)
        .def("step", [](HeldSplit& held, size_t bytes) { return held.reader.step(bytes); }, nb::arg("size"))
        .def_prop_ro("sound", [](const HeldSplit& held) { return held.reader.sound(); })
        .def_prop_ro("count", [](const HeldSplit& held) { return held.reader.count(); })
        .def("element", &element, nb::arg("place"))
        .def("groups", &groups, nb::arg("size"), nb::arg("longest"), nb::arg("most_colons"));

    nb::class_<HeldSkim>(m, "Skim")
        .def(
            "__init__",
            [](HeldSkim* self, nb::object outer, int inner, nb::object names, nb::bytes text, size_t begin, size_t end) {
                if (begin > end || end > text.size()) throw nb::value_error("the text has no such part");
                new (self) HeldSkim{text,
                                    {outer, names},
                                    Skim(nb::cast<const Names&>(outer), inner, nb::cast<const Names&>(names),
                                         text.c_str(), begin, end)};
            },
            nb::arg("outer"), nb::arg("inner"), nb::arg("names"), nb::arg("text"), nb::arg("begin"), nb::arg("end"))
        .def("step", [](HeldSkim& held, size_t bytes) { return held.reader.step(bytes); }, nb::arg("size"))
        .def_prop_ro("failure", &failure)
        .def_prop_ro("root", [](const HeldSkim& h) { return nb::make_tuple(h.reader.root().begin, h.reader.root().end); })
        .def_prop_ro("outer", [](const HeldSkim& held) { return told(held.reader.outer()); })
        .def_prop_ro("inner", [](const HeldSkim& held) { return told(held.reader.inner()); });
}

}  // namespace leadscoring
