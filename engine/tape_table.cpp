// The records of a tape for a table of leads.

#include "tape_table.hpp"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "lead_key.hpp"
#include "tape.hpp"

namespace leadscoring {

namespace {

// The ids in UTF-8, which the strings of the list keep.
std::vector<std::string_view> ids_in(nb::handle ids, size_t leads) {
    if (!PyList_Check(ids.ptr()) || size_t(PyList_GET_SIZE(ids.ptr())) != leads)
        throw nb::value_error("there must be a list of one id for each row");
    std::vector<std::string_view> found(leads);
    for (size_t i = 0; i < leads; ++i) {
        Py_ssize_t length = 0;
        const char* text = PyUnicode_AsUTF8AndSize(PyList_GET_ITEM(ids.ptr(), Py_ssize_t(i)), &length);
        if (!text) throw nb::python_error();
        found[i] = {text, size_t(length)};
    }
    return found;
}

using Keys = std::vector<std::array<unsigned char, kKeyBytes>>;

Keys keys_of(const LeadKey& key, const std::vector<std::string_view>& ids) {
    Keys keys(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) keys[i] = key.of(ids[i]);
    return keys;
}

// The keys of leads, one after the other.
nb::bytes lead_keys(nb::bytes secret, nb::handle ids) {
    const LeadKey key({secret.c_str(), secret.size()});
    const std::vector<std::string_view> texts = ids_in(ids, PyList_Check(ids.ptr()) ? size_t(PyList_GET_SIZE(ids.ptr())) : 0);
    Keys keys;
    {
        nb::gil_scoped_release release;
        keys = keys_of(key, texts);
    }
    return nb::bytes(reinterpret_cast<const char*>(keys.data()), keys.size() * kKeyBytes);
}

// What all records of a table share.
struct Common {
    std::string_view request;
    uint8_t flags;
    uint64_t below;
};

nb::object tape_table(nb::handle values, nb::handle margins, nb::handle ids, nb::handle moments, nb::handle unseen,
                      nb::bytes secret, double share, nb::str request, uint8_t flags) {
    const Given<float> rows(values);
    const Given<double> margin(margins);
    const size_t leads = margin.size(), features = leads ? rows.size() / leads : 0;
    rows.check(leads * features, "values");
    const bool known = !ids.is_none(), timed = !moments.is_none();
    const std::vector<std::string_view> texts = known ? ids_in(ids, leads) : std::vector<std::string_view>();
    std::vector<Given<int64_t>> moment;
    if (timed) moment.emplace_back(moments), moment.front().check(leads, "moments");
    if (!PyDict_Check(unseen.ptr())) throw nb::type_error("unseen texts must be a dict");
    const Common common{{request.c_str()}, flags, below_share(share)};
    if (common.request.size() > std::numeric_limits<uint8_t>::max()) throw nb::value_error("a request id has at most 255 bytes");
    const LeadKey key({secret.c_str(), secret.size()});
    std::vector<std::string_view> noted(PyDict_GET_SIZE(unseen.ptr()) ? leads : 0);
    for (size_t i = 0; i < noted.size(); ++i) noted[i] = unseen_of(unseen.ptr(), Py_ssize_t(i));
    std::vector<TapeRecord> records;
    Keys keys;
    size_t size = 0;
    {
        nb::gil_scoped_release release;
        keys = keys_of(key, texts);
        const uint64_t now = microseconds();
        records.reserve(leads);
        for (size_t i = 0; i < leads; ++i) {
            const float* row = rows.data() + i * features;
            const unsigned char* own = known ? keys[i].data() : nullptr;
            if (!is_kept(common.below, own, row, features)) continue;
            records.push_back({now, margin.data()[i], 0, common.flags, timed ? moment.front().data() + i : nullptr, row,
                               features, own, known ? texts[i] : std::string_view(), common.request,
                               noted.empty() ? std::string_view() : noted[i]});
        }
    }
    for (const TapeRecord& record : records) size += record.padded_size();
    nb::object made = nb::steal(PyByteArray_FromStringAndSize(nullptr, Py_ssize_t(size)));
    if (!made.is_valid()) throw nb::python_error();
    auto* to = reinterpret_cast<unsigned char*>(PyByteArray_AS_STRING(made.ptr()));
    {
        nb::gil_scoped_release release;
        std::memset(to, 0, size);
        for (const TapeRecord& record : records) {
            record.write(to);
            to += record.padded_size();
        }
    }
    return nb::make_tuple(made, records.size());
}

}  // namespace

void bind_tape_table(nb::module_& m) {
    m.def("tape_table", &tape_table, nb::arg("values"), nb::arg("margins"), nb::arg("ids").none(),
          nb::arg("moments").none(), nb::arg("unseen"), nb::arg("secret"), nb::arg("share"), nb::arg("request"),
          nb::arg("flags"));
    m.def("lead_keys", &lead_keys, nb::arg("secret"), nb::arg("ids"));
}

}  // namespace leadscoring
