#include "bind_tokens.hpp"

#include <string_view>

#include "address.hpp"
#include "moment.hpp"
#include "tokens.hpp"

namespace leadscoring {

namespace nb = nanobind;

namespace {

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

void append(nb::list& list, std::string_view token) {
    list.append(owned(PyUnicode_DecodeUTF8(token.data(), Py_ssize_t(token.size()), "surrogatepass")));
}

nb::object moment(nb::str text) {
    if (!PyUnicode_IS_ASCII(text.ptr())) return nb::none();
    const int64_t found = parse_moment(
        {reinterpret_cast<const char*>(PyUnicode_DATA(text.ptr())), size_t(PyUnicode_GET_LENGTH(text.ptr()))});
    return found == kNoMoment ? nb::object(nb::none()) : owned(PyLong_FromLongLong(found));
}

nb::list moments(nb::list texts) {
    nb::list found;
    for (nb::handle text : texts) found.append(moment(nb::cast<nb::str>(text)));
    return found;
}

nb::list words(nb::str text) {
    Tokens tokens;
    tokens.cut_words(text.ptr());
    nb::list list;
    for (size_t i = 0; i < tokens.size(); ++i) {
        append(list, tokens[i]);
        if (i + 1 < tokens.size()) append(list, tokens.pair(i));
    }
    return list;
}

nb::list values(nb::handle texts) {
    Tokens tokens;
    if (!tokens.cut_values(texts.ptr())) throw nb::type_error("a set must be text or a list of texts");
    nb::list list;
    for (size_t i = 0; i < tokens.size(); ++i) append(list, tokens[i]);
    return list;
}

nb::object address(nb::str text) {
    Tokens tokens;
    tokens.fold(text.ptr());
    const Address found = tokens.size() > 0 ? address_of(tokens[0]) : Address();
    if (!found) return nb::none();
    nb::list parts;
    append(parts, found.local);
    append(parts, found.domain);
    return nb::tuple(parts);
}

}  // namespace

void bind_tokens(nb::module_& m) {
    m.def("parse_moment", &moment, nb::arg("text"));
    m.def("parse_moments", &moments, nb::arg("texts"));
    m.def("words_of", &words, nb::arg("text"));
    m.def("values_of", &values, nb::arg("texts"));
    m.def("address_of", &address, nb::arg("text"));
}

}  // namespace leadscoring
