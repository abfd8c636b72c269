// Python bindings of the engine. Uses the C API where nanobind's casters would be slower.

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "arrow_made.hpp"
#include "bind_tokens.hpp"
#include "bins.hpp"
#include "csv_lines.hpp"
#include "distinct.hpp"
#include "encode.hpp"
#include "forest.hpp"
#include "from_python.hpp"
#include "parquet_pages.hpp"
#include "plain_rows.hpp"
#include "ranking.hpp"
#include "reasons.hpp"
#include "recorder.hpp"
#include "scan.hpp"
#include "table_scorer.hpp"
#include "tape.hpp"
#include "tape_table.hpp"
#include "text_table.hpp"
#include "texts.hpp"

namespace leadscoring {

namespace {

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

template <class Make>
nb::object list_of(size_t size, Make make) {
    nb::object list = owned(PyList_New(Py_ssize_t(size)));
    for (size_t i = 0; i < size; ++i) PyList_SET_ITEM(list.ptr(), Py_ssize_t(i), make(i).release().ptr());
    return list;
}

nb::object number(double value) { return owned(PyFloat_FromDouble(value)); }
nb::object number(int64_t value) { return owned(PyLong_FromLongLong(value)); }

void check_width(const Forest& forest, const Rows& rows) {
    if (rows.n_features != forest.n_features() && rows.n_rows > 0)
        throw nb::value_error(("rows have " + std::to_string(rows.n_features) + " features, but the model has " +
                               std::to_string(forest.n_features()))
                                  .c_str());
}

// Scoring one lead takes less time than releasing and reacquiring the GIL.
template <class Work>
void without_interpreter(size_t leads, Work work) {
    if (leads <= 1) {
        work();
    } else {
        nb::gil_scoped_release release;
        work();
    }
}

// Contributions of the rows from first until before last.
std::vector<float> contributions_of(const Forest& forest, const Rows& rows, size_t first, size_t last) {
    check_width(forest, rows);
    const size_t features = size_t(forest.n_features()), leads = last - first;
    std::vector<float> values(leads * (features + 1));
    without_interpreter(leads,
                        [&] { forest.contributions(rows.values.data() + first * features, leads, values.data()); });
    return values;
}

nb::object predict(const Forest& forest, const Rows& rows) {
    check_width(forest, rows);
    const size_t leads = size_t(rows.n_rows);
    std::vector<float> margins(leads);
    without_interpreter(leads, [&] { forest.margins(rows.values.data(), leads, margins.data()); });
    return list_of(leads, [&](size_t i) { return number(double(margins[i])); });
}

nb::object explain(const Forest& forest, const Rows& rows) {
    const std::vector<float> values = contributions_of(forest, rows, 0, size_t(rows.n_rows));
    const size_t width = size_t(forest.n_features()) + 1;
    return list_of(size_t(rows.n_rows), [&](size_t row) {
        return list_of(width, [&](size_t i) { return number(double(values[row * width + i])); });
    });
}

// A reason of a feature whose columns are summed: also the column that leads, as its position within the feature, and
// the value of that column, None for missing.
nb::object reason_of_columns(int32_t feature, float contribution, int32_t offset, float value) {
    nb::object found = owned(PyTuple_New(4));
    PyTuple_SET_ITEM(found.ptr(), 0, number(int64_t(feature)).release().ptr());
    PyTuple_SET_ITEM(found.ptr(), 1, number(double(contribution)).release().ptr());
    PyTuple_SET_ITEM(found.ptr(), 2, number(int64_t(offset)).release().ptr());
    PyTuple_SET_ITEM(found.ptr(), 3, (std::isnan(value) ? nb::object(nb::none()) : number(double(value))).release().ptr());
    return found;
}

nb::object reason(int32_t feature, float contribution) {
    nb::object pair = owned(PyTuple_New(2));
    PyTuple_SET_ITEM(pair.ptr(), 0, number(int64_t(feature)).release().ptr());
    PyTuple_SET_ITEM(pair.ptr(), 1, number(double(contribution)).release().ptr());
    return pair;
}

// The strongest of the contributions, as `made` makes each of them from its feature.
template <class Make>
nb::object strongest(const float* values, size_t features, size_t limit, std::vector<int32_t>& order,
                     ReasonFinder* finder, Make made) {
    order.clear();
    for (size_t i = 0; i < features; ++i)
        if (values[i] != 0) order.push_back(int32_t(i));
    limit = std::min(limit, order.size());
    std::partial_sort(order.begin(), order.begin() + Py_ssize_t(limit), order.end(), [&](int32_t a, int32_t b) {
        const float left = std::fabs(values[a]), right = std::fabs(values[b]);
        return left != right ? left > right : a < b;
    });
    if (finder)
        for (size_t i = 0; i < limit; ++i) finder->count(order[i], values[order[i]]);
    return list_of(limit, [&](size_t i) { return made(order[i]); });
}

nb::object find_reasons(const Forest& forest, const Rows& rows, int64_t limit, int64_t first, int64_t last,
                        ReasonFinder* finder) {
    if (limit < 0) throw nb::value_error("limit must be 0 or more");
    if (last < 0) last = rows.n_rows;
    if (first < 0 || first > last || last > rows.n_rows) throw nb::value_error("there are no such rows");
    const size_t leads = size_t(last - first), columns = size_t(forest.n_features());
    if (limit == 0) {
        check_width(forest, rows);
        return list_of(leads, [&](size_t) { return owned(PyList_New(0)); });
    }
    std::vector<float> values = contributions_of(forest, rows, size_t(first), size_t(last));
    std::vector<int32_t> order, leading;
    if (!finder || !finder->sums()) {
        order.reserve(columns);
        return list_of(leads, [&](size_t row) {
            const float* found = values.data() + row * (columns + 1);
            return strongest(found, columns, size_t(limit), order, finder,
                             [&](int32_t feature) { return reason(feature, found[feature]); });
        });
    }
    leading.resize(finder->features());
    return list_of(leads, [&](size_t row) {
        float* found = values.data() + row * (columns + 1);
        const float* encoded = rows.values.data() + (size_t(first) + row) * columns;
        finder->sum(found, leading.data());
        return strongest(found, finder->features(), size_t(limit), order, finder, [&](int32_t feature) {
            const int32_t column = leading[size_t(feature)];
            return reason_of_columns(feature, found[feature], column - finder->first(size_t(feature)), encoded[column]);
        });
    });
}

nb::object reasons(const Forest& forest, const Rows& rows, int64_t limit, int64_t first, int64_t last) {
    return find_reasons(forest, rows, limit, first, last, nullptr);
}

nb::object found_reasons(ReasonFinder& finder, const Rows& rows, int64_t limit, int64_t first, int64_t last) {
    return find_reasons(finder.forest(), rows, limit, first, last, &finder);
}

// A C-contiguous float32 buffer, kept open.
struct Buffer {
    Py_buffer view{};
    Buffer(nb::handle object, int flags) {
        if (PyObject_GetBuffer(object.ptr(), &view, flags | PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) throw nb::python_error();
        if (view.itemsize != 4 || !view.format || std::strcmp(view.format, "f") != 0) {
            PyBuffer_Release(&view);
            throw nb::type_error("a C-contiguous float32 buffer is needed");
        }
    }
    ~Buffer() { PyBuffer_Release(&view); }
    Buffer(const Buffer&) = delete;
    float* data() const { return static_cast<float*>(view.buf); }
    size_t size() const { return size_t(view.len) / 4; }
};

template <void (Forest::*compute)(const float*, size_t, float*) const, bool contributions>
void into(const Forest& forest, nb::handle rows, nb::handle out) {
    const Buffer from(rows, 0), to(out, PyBUF_WRITABLE);
    const size_t features = size_t(forest.n_features()), leads = from.size() / features;
    if (from.size() != leads * features || to.size() != leads * (contributions ? features + 1 : 1))
        throw nb::value_error("the buffers' sizes do not fit the model");
    without_interpreter(leads, [&] { (forest.*compute)(from.data(), leads, to.data()); });
}

nb::object importance(const Forest& forest) {
    const Importance& values = forest.importance();
    return list_of(values.gain.size(), [&](size_t i) {
        nb::object row = owned(PyTuple_New(3));
        PyTuple_SET_ITEM(row.ptr(), 0, number(values.gain[i]).release().ptr());
        PyTuple_SET_ITEM(row.ptr(), 1, number(values.weight[i]).release().ptr());
        PyTuple_SET_ITEM(row.ptr(), 2, number(values.cover[i]).release().ptr());
        return row;
    });
}

nb::object row_of(const Rows& rows, Py_ssize_t row) {
    if (row < 0 || row >= rows.n_rows) throw nb::index_error("no such row");
    const float* values = rows.values.data() + row * rows.n_features;
    return list_of(size_t(rows.n_features), [&](size_t i) {
        return std::isnan(values[i]) ? nb::object(nb::none()) : number(double(values[i]));
    });
}

nb::object places(const std::vector<std::pair<int32_t, int32_t>>& found) {
    return list_of(found.size(), [&](size_t i) -> nb::object { return nb::make_tuple(found[i].first, found[i].second); });
}

int rows_buffer(PyObject* self, Py_buffer* view, int flags) {
    static char format[] = "f";
    static float nothing = 0;
    Rows& rows = *nb::inst_ptr<Rows>(self);
    if (flags & PyBUF_WRITABLE) {
        PyErr_SetString(PyExc_BufferError, "rows cannot be written to");
        return -1;
    }
    rows.shape[0] = rows.n_rows;
    rows.shape[1] = rows.n_features;
    rows.strides[0] = rows.n_features * Py_ssize_t(sizeof(float));
    rows.strides[1] = Py_ssize_t(sizeof(float));
    view->obj = Py_NewRef(self);
    view->buf = rows.values.empty() ? &nothing : rows.values.data();
    view->len = Py_ssize_t(rows.values.size() * sizeof(float));
    view->itemsize = Py_ssize_t(sizeof(float));
    view->readonly = 1;
    view->ndim = 2;
    view->format = flags & PyBUF_FORMAT ? format : nullptr;
    view->shape = flags & PyBUF_ND ? rows.shape : nullptr;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? rows.strides : nullptr;
    view->suboffsets = nullptr;
    view->internal = nullptr;
    return 0;
}

PyType_Slot kRowsSlots[] = {{Py_bf_getbuffer, reinterpret_cast<void*>(rows_buffer)}, {0, nullptr}};

size_t colons(nb::bytes body) { return count_colons(body.c_str(), body.size()); }
size_t colons_plain(nb::bytes body) { return count_colons_plain(body.c_str(), body.size()); }

nb::bytes plain(nb::bytes text) {
    const std::string result = plain_json(text.c_str(), text.size());
    return nb::bytes(result.data(), result.size());
}

nb::object variants() {
    const std::vector<const Kernel*> found = kernels();
    return list_of(found.size(), [&](size_t i) { return owned(PyUnicode_FromString(found[i]->name)); });
}

}  // namespace

NB_MODULE(_engine, m) {
    // The service freezes long-lived objects (gc.freeze), which the leak check would report.
    nb::set_leak_warnings(false);
    nb::register_exception_translator([](const std::exception_ptr& p, void*) {
        try {
            std::rethrow_exception(p);
        } catch (const BadModel& error) {
            PyErr_SetString(PyExc_ValueError, error.what());
        } catch (const TooMuch& error) {
            PyErr_SetString(PyExc_NotImplementedError, error.what());
        }
    });

    nb::class_<Rows>(m, "Rows", nb::type_slots(kRowsSlots))
        .def("__init__", [](Rows* self, nb::handle rows) { new (self) Rows(rows_from_lists(rows)); }, nb::arg("rows"))
        .def_ro("n_rows", &Rows::n_rows)
        .def_ro("n_features", &Rows::n_features)
        .def_prop_ro("unseen", [](const Rows& rows) { return places(rows.unseen); })
        .def_prop_ro("future", [](const Rows& rows) { return places(rows.future); })
        .def_prop_ro("present",
                     [](const Rows& rows) {
                         return list_of(rows.present.size(), [&](size_t i) { return number(int64_t(rows.present[i])); });
                     })
        .def("row", &row_of, nb::arg("index"))
        .def("__len__", [](const Rows& rows) { return rows.n_rows; });

    nb::class_<Encoder>(m, "Encoder")
        .def(nb::init<nb::handle, nb::handle, nb::handle, nb::object, nb::handle, float, nb::handle, nb::handle,
                      nb::handle>(),
             nb::arg("kinds"), nb::arg("tables"), nb::arg("other"), nb::arg("unset"), nb::arg("rare") = nb::none(),
             nb::arg("missing") = std::numeric_limits<float>::quiet_NaN(), nb::arg("widths") = nb::none(),
             nb::arg("bounds") = nb::none(), nb::arg("specs") = nb::none())
        .def("encode", &Encoder::encode, nb::arg("leads"), nb::arg("now") = 0, nb::arg("as_of") = nb::none())
        .def("encode_columns", &Encoder::encode_columns, nb::arg("columns"), nb::arg("as_of"), nb::arg("out"));

    nb::class_<Recorder>(m, "Recorder")
        .def(nb::init<nb::handle, nb::handle>(), nb::arg("numbers"), nb::arg("plan"))
        .def("record", &Recorder::record);

    nb::class_<BinCounter>(m, "BinCounter")
        .def(nb::init<nb::handle, nb::handle, nb::handle, size_t>(), nb::arg("numbers"), nb::arg("columns"),
             nb::arg("margins"), nb::arg("score"))
        .def("count", &BinCounter::count, nb::arg("rows"), nb::arg("margins"));

    nb::class_<Forest>(m, "Forest")
        .def(nb::new_(&forest_from_python), nb::arg("n_features"), nb::arg("base_margin"), nb::arg("trees"))
        .def_prop_ro("n_features", &Forest::n_features)
        .def_prop_ro("n_trees", &Forest::n_trees)
        .def_prop_ro("n_nodes", &Forest::n_nodes)
        .def_prop_ro("max_depth", &Forest::max_depth)
        .def_prop_ro("base_value", &Forest::base_value)
        .def_prop_ro("n_bytes", &Forest::bytes)
        .def_prop_ro("importance", &importance)
        .def_prop_ro("categories",
                     [](const Forest& forest) {
                         return list_of(forest.categories().size(),
                                        [&](size_t i) { return number(int64_t(forest.categories()[i])); });
                     })
        .def("predict", &predict, nb::arg("rows"))
        .def("explain", &explain, nb::arg("rows"))
        .def("reasons", &reasons, nb::arg("rows"), nb::arg("limit"), nb::arg("first") = 0, nb::arg("last") = -1)
        .def("margins_into", &into<&Forest::margins, false>, nb::arg("rows"), nb::arg("out"))
        .def("contributions_into", &into<&Forest::contributions, true>, nb::arg("rows"), nb::arg("out"));

    nb::class_<ReasonFinder>(m, "ReasonFinder")
        .def(nb::init<nb::object, nb::handle, nb::handle>(), nb::arg("forest"), nb::arg("numbers") = nb::none(),
             nb::arg("widths") = nb::none())
        .def("reasons", &found_reasons, nb::arg("rows"), nb::arg("limit"), nb::arg("first") = 0,
             nb::arg("last") = -1);

    bind_arrow_made(m);
    bind_csv_lines(m);
    bind_distinct(m);
    bind_parquet_pages(m);
    bind_plain_rows(m);
    bind_ranking(m);
    bind_table_scorer(m);
    bind_tape(m);
    bind_tape_table(m);
    bind_text_table(m);
    bind_texts(m);
    bind_tokens(m);
    m.def("mark_tokens", &mark_tokens, nb::arg("column"), nb::arg("tokens"), nb::arg("marks"));
    m.def("join_rows", &joined, nb::arg("parts"));
    m.def("count_colons", &colons, nb::arg("body"));
    m.def("_count_colons_plain", &colons_plain, nb::arg("body"));
    m.def("plain_json", &plain, nb::arg("text"));
    m.def("variants", &variants);
    m.def("variant", [] { return nb::str(kernel().name); });
    m.def("use_variant", &use_kernel, nb::arg("name"));
}

}  // namespace leadscoring
