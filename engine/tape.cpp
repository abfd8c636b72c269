// Writes the records of a tape, and reads them.

#include "tape.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

#include "arrays.hpp"
#include "crc32c.hpp"

namespace leadscoring {

namespace {

nb::object owned(PyObject* object) {
    if (!object) throw nb::python_error();
    return nb::steal(object);
}

std::string_view bytes_of(PyObject* object) {
    if (!PyBytes_Check(object)) throw nb::type_error("a tape takes bytes");
    return {PyBytes_AS_STRING(object), size_t(PyBytes_GET_SIZE(object))};
}

PyObject* optional_list(nb::handle list, Py_ssize_t size, const char* what) {
    if (list.is_none()) return nullptr;
    if (!PyList_Check(list.ptr()) || PyList_GET_SIZE(list.ptr()) != size)
        throw nb::value_error((std::string("there must be a list of one ") + what + " for each row").c_str());
    return list.ptr();
}

size_t padded(size_t size) { return (size + 7) & ~size_t(7); }

std::string_view unseen_of(PyObject* texts, Py_ssize_t row) {
    if (!texts) return {};
    const nb::object place = owned(PyLong_FromSsize_t(row));
    PyObject* found = PyDict_GetItemWithError(texts, place.ptr());
    if (!found && PyErr_Occurred()) throw nb::python_error();
    return found ? bytes_of(found) : std::string_view();
}

unsigned char* put(unsigned char* to, const void* from, size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    return to + size;
}

}  // namespace

TapeSegment::TapeSegment(int file, size_t size, size_t begin, double share) : size_(size), end_(begin) {
    if (begin % 8 != 0 || begin > size) throw nb::value_error("records must begin at a multiple of 8, within the file");
    below_ = share >= 1 ? std::numeric_limits<uint64_t>::max() : uint64_t(std::ldexp(share, 64));
    void* mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        throw nb::python_error();
    }
    bytes_ = static_cast<unsigned char*>(mapped);
}

void TapeSegment::close() {
    if (bytes_) munmap(bytes_, size_);
    bytes_ = nullptr;
}

Py_ssize_t TapeSegment::record(const Rows& rows, nb::handle margins, nb::handle leads, nb::str request, uint16_t model,
                               uint64_t time, uint8_t flags, nb::handle as_of, nb::handle unseen, Py_ssize_t first) {
    if (!bytes_) throw nb::value_error("the segment is closed");
    const Py_ssize_t n = rows.n_rows;
    Py_ssize_t length = 0;
    const char* text = PyUnicode_AsUTF8AndSize(request.ptr(), &length);
    if (!text) throw nb::python_error();
    if (length > std::numeric_limits<uint8_t>::max()) throw nb::value_error("a request id has at most 255 bytes");
    if (!unseen.is_none() && !PyDict_Check(unseen.ptr())) throw nb::type_error("unseen texts must be a dict");
    const Recorded recorded{{text, size_t(length)},
                            time,
                            model,
                            flags,
                            optional_list(margins, n, "margin"),
                            optional_list(leads, n, "lead"),
                            optional_list(as_of, n, "moment"),
                            unseen.is_none() ? nullptr : unseen.ptr()};
    if (!recorded.margins || first < 0) throw nb::value_error("there must be a margin for each row");
    while (first < n && append(rows, first, recorded)) ++first;
    return first;
}

bool TapeSegment::append(const Rows& rows, Py_ssize_t row, const Recorded& recorded) {
    const size_t features = size_t(rows.n_features);
    const float* values = rows.values.data() + size_t(row) * features;
    const std::string_view lead = recorded.leads ? bytes_of(PyList_GET_ITEM(recorded.leads, row)) : std::string_view();
    if (!keeps(lead, values, features)) return true;
    const std::string_view unseen = unseen_of(recorded.unseen, row);
    PyObject* moment = recorded.as_of ? PyList_GET_ITEM(recorded.as_of, row) : Py_None;
    int64_t as_of = 0;
    if (moment != Py_None) as_of = PyLong_AsLongLong(moment);
    const double margin = PyFloat_AsDouble(PyList_GET_ITEM(recorded.margins, row));
    if (PyErr_Occurred()) throw nb::python_error();
    if (lead.size() > std::numeric_limits<uint16_t>::max() || features > std::numeric_limits<uint16_t>::max())
        throw nb::value_error("a lead or its row is too long for a tape");

    const size_t dated = moment == Py_None ? 0 : sizeof as_of, of_row = features * sizeof(float);
    const size_t size = sizeof(RecordHead) + dated + of_row + lead.size() + recorded.request.size() + unseen.size();
    if (padded(size) > size_ - end_) return false;
    RecordHead head{0,
                    0,
                    recorded.time,
                    margin,
                    recorded.model,
                    uint16_t(features),
                    uint16_t(lead.size()),
                    uint8_t(recorded.request.size()),
                    uint8_t(recorded.flags | (dated ? kHasMoment : 0))};
    unsigned char* record = bytes_ + end_;
    unsigned char* to = put(record + sizeof(RecordHead), &as_of, dated);
    to = put(to, values, of_row);
    to = put(to, lead.data(), lead.size());
    to = put(to, recorded.request.data(), recorded.request.size());
    put(to, unseen.data(), unseen.size());
    put(record + kChecked, reinterpret_cast<const char*>(&head) + kChecked, sizeof(RecordHead) - kChecked);
    head.crc = crc32c(record + kChecked, size - kChecked);
    put(record + sizeof head.size, &head.crc, sizeof head.crc);
    __atomic_store_n(reinterpret_cast<uint32_t*>(record), uint32_t(size), __ATOMIC_RELEASE);
    end_ += padded(size);
    return true;
}

// A row without a lead's key is chosen by its content, so that equal rows are kept together as well.
bool TapeSegment::keeps(std::string_view lead, const float* values, size_t features) const {
    if (below_ == std::numeric_limits<uint64_t>::max()) return true;
    uint64_t place = uint64_t(crc32c(values, features * sizeof(float))) << 32;
    if (lead.size() >= sizeof place) std::memcpy(&place, lead.data(), sizeof place);
    return place < below_;
}

namespace {

nb::object text(std::string_view bytes) {
    return owned(PyUnicode_DecodeUTF8(bytes.data(), Py_ssize_t(bytes.size()), "replace"));
}

nb::object raw(std::string_view bytes) {
    return owned(PyBytes_FromStringAndSize(bytes.data(), Py_ssize_t(bytes.size())));
}

// The number of bytes that a record with this head needs at least.
size_t least(const RecordHead& head) {
    return sizeof(RecordHead) + (head.flags & kHasMoment ? 8 : 0) + head.features * sizeof(float) + head.lead_length +
           head.request_length;
}

// One record as a tuple, if it is whole.
nb::object parsed(const unsigned char* record, const RecordHead& head) {
    const char* from = reinterpret_cast<const char*>(record) + sizeof(RecordHead);
    const auto take = [&from](size_t size) {
        const std::string_view found(from, size);
        from += size;
        return found;
    };
    nb::object as_of = nb::none();
    if (head.flags & kHasMoment) {
        int64_t moment;
        std::memcpy(&moment, take(sizeof moment).data(), sizeof moment);
        as_of = owned(PyLong_FromLongLong(moment));
    }
    const std::string_view row = take(head.features * sizeof(float)), lead = take(head.lead_length);
    const std::string_view request = take(head.request_length), unseen = take(head.size - least(head));
    return nb::make_tuple(head.time, head.margin, head.model, as_of, raw(row), raw(lead), text(request),
                          unseen.empty() ? nb::object(nb::none()) : text(unseen), head.flags);
}

// Records from `begin` on, at most `limit`, with the offset behind them, and whether what follows is damaged.
nb::object read_tape(nb::handle segment, size_t begin, size_t limit) {
    const Given<uint8_t> bytes(segment);
    if (reinterpret_cast<uintptr_t>(bytes.data()) % 8 != 0) throw nb::value_error("the segment must be aligned to 8 bytes");
    nb::list records;
    bool damaged = begin % 8 != 0;
    while (!damaged && records.size() < limit && begin + sizeof(RecordHead) <= bytes.size()) {
        const unsigned char* record = bytes.data() + begin;
        RecordHead head;
        const uint32_t size = __atomic_load_n(reinterpret_cast<const uint32_t*>(record), __ATOMIC_ACQUIRE);
        if (size == 0) break;
        std::memcpy(&head, record, sizeof head);
        head.size = size;
        damaged = size > bytes.size() - begin || size < least(head) ||
                  head.crc != crc32c(record + kChecked, size - kChecked);
        if (damaged) break;
        records.append(parsed(record, head));
        begin = std::min(begin + padded(size), bytes.size());
    }
    return nb::make_tuple(records, begin, damaged);
}

uint32_t checksum(nb::handle buffer) {
    const Given<uint8_t> bytes(buffer);
    return crc32c(bytes.data(), bytes.size());
}

uint32_t checksum_plain(nb::handle buffer) {
    const Given<uint8_t> bytes(buffer);
    return crc32c_plain(bytes.data(), bytes.size());
}

}  // namespace

void bind_tape(nb::module_& m) {
    nb::class_<TapeSegment>(m, "TapeSegment")
        .def(nb::init<int, size_t, size_t, double>(), nb::arg("file"), nb::arg("size"), nb::arg("begin"),
             nb::arg("share") = 1.0)
        .def_prop_ro("end", &TapeSegment::end)
        .def("record", &TapeSegment::record, nb::arg("rows"), nb::arg("margins"), nb::arg("leads").none(),
             nb::arg("request"), nb::arg("model"), nb::arg("time"), nb::arg("flags"), nb::arg("as_of").none(),
             nb::arg("unseen").none(), nb::arg("first") = 0)
        .def("close", &TapeSegment::close);
    m.def("read_tape", &read_tape, nb::arg("segment"), nb::arg("begin"), nb::arg("limit"));
    m.def("crc32c", &checksum, nb::arg("buffer"));
    m.def("_crc32c_plain", &checksum_plain, nb::arg("buffer"));
}

}  // namespace leadscoring
