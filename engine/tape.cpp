// Writes the records of a tape, and reads them.

#include "tape.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>
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

void check_list(nb::handle list, Py_ssize_t size, const char* what) {
    if (!PyList_Check(list.ptr()) || PyList_GET_SIZE(list.ptr()) != size)
        throw nb::value_error((std::string("there must be a list of one ") + what + " for each row").c_str());
}

size_t padded(size_t size) { return (size + 7) & ~size_t(7); }

}  // namespace

std::string_view unseen_of(PyObject* texts, Py_ssize_t row) {
    if (!texts) return {};
    const nb::object place = owned(PyLong_FromSsize_t(row));
    PyObject* found = PyDict_GetItemWithError(texts, place.ptr());
    if (!found && PyErr_Occurred()) throw nb::python_error();
    return found ? bytes_of(found) : std::string_view();
}

uint64_t microseconds() {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return uint64_t(now.tv_sec) * 1000000 + uint64_t(now.tv_nsec) / 1000;
}

namespace {

// The id of a lead in UTF-8; `object` keeps it.
std::string_view id_of(PyObject* lead, nb::object& object) {
    static PyObject* const name = PyUnicode_InternFromString("lead_id");
    object = owned(PyObject_GetAttr(lead, name));
    Py_ssize_t length = 0;
    if (const char* text = PyUnicode_AsUTF8AndSize(object.ptr(), &length)) return {text, size_t(length)};
    PyErr_Clear();  // half of a surrogate pair, which UTF-8 lacks
    object = owned(PyUnicode_AsEncodedString(object.ptr(), "utf-8", "surrogatepass"));
    return bytes_of(object.ptr());
}

// The moment as of which a lead was scored, or None.
nb::object moment_of(PyObject* lead) {
    static PyObject* const name = PyUnicode_InternFromString("as_of");
    return owned(PyObject_GetAttr(lead, name));
}

unsigned char* put(unsigned char* to, const void* from, size_t size) {
    if (size > 0) std::memcpy(to, from, size);
    return to + size;
}

}  // namespace

TapeSegment::TapeSegment(int file, size_t size, size_t begin, nb::bytes secret, double share)
    : key_({secret.c_str(), secret.size()}), size_(size), end_(begin) {
    if (begin % 8 != 0 || begin > size) throw nb::value_error("records must begin at a multiple of 8, within the file");
    below_ = below_share(share);
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

Py_ssize_t TapeSegment::record(const Rows& rows, nb::handle margins, nb::handle leads, nb::handle request,
                               uint16_t model, uint8_t flags, bool timed, nb::handle unseen, Py_ssize_t first) {
    if (!bytes_) throw nb::value_error("the segment is closed");
    const Py_ssize_t n = rows.n_rows;
    Py_ssize_t length = 0;
    const char* text = PyUnicode_AsUTF8AndSize(request.ptr(), &length);
    if (!text) throw nb::python_error();
    if (length > std::numeric_limits<uint8_t>::max()) throw nb::value_error("a request id has at most 255 bytes");
    check_list(margins, n, "margin");
    if (!leads.is_none()) check_list(leads, n, "lead");
    nb::object texts;
    if (!leads.is_none() && !unseen.is_none() && !rows.unseen.empty()) {
        texts = unseen(nb::find(rows), leads);
        if (!PyDict_Check(texts.ptr())) throw nb::type_error("unseen texts must be a dict");
    }
    const Recorded recorded{{text, size_t(length)}, microseconds(), model,
                            flags,                  margins.ptr(),  leads.is_none() ? nullptr : leads.ptr(),
                            texts.ptr(),            timed};
    if (first < 0) throw nb::index_error("no such row");
    while (first < n && append(rows, first, recorded)) ++first;
    return first;
}

size_t TapeRecord::size() const {
    const size_t of_row = features * sizeof(float), of_lead = lead_length();
    if (of_lead > std::numeric_limits<uint16_t>::max() || features > std::numeric_limits<uint16_t>::max())
        throw nb::value_error("a lead or its row is too long for a tape");
    return sizeof(RecordHead) + (as_of ? sizeof *as_of : 0) + of_row + of_lead + request.size() + unseen.size();
}

size_t TapeRecord::lead_length() const { return key ? kKeyBytes + (flags & kPlainId ? id.size() : 0) : 0; }

size_t TapeRecord::padded_size() const { return padded(size()); }

void TapeRecord::write(unsigned char* record) const {
    const size_t whole = size(), of_lead = lead_length();
    const RecordHead head{0,
                          0,
                          time,
                          margin,
                          model,
                          uint16_t(features),
                          uint16_t(of_lead),
                          uint8_t(request.size()),
                          uint8_t(flags | (as_of ? kHasMoment : 0))};
    unsigned char* to = put(record + sizeof(RecordHead), as_of, as_of ? sizeof *as_of : 0);
    to = put(to, values, features * sizeof(float));
    if (key) to = put(put(to, key, kKeyBytes), id.data(), of_lead - kKeyBytes);
    to = put(to, request.data(), request.size());
    put(to, unseen.data(), unseen.size());
    put(record + kChecked, reinterpret_cast<const char*>(&head) + kChecked, sizeof(RecordHead) - kChecked);
    const uint32_t crc = crc32c(record + kChecked, whole - kChecked);
    put(record + sizeof head.size, &crc, sizeof crc);
    __atomic_store_n(reinterpret_cast<uint32_t*>(record), uint32_t(whole), __ATOMIC_RELEASE);
}

bool TapeSegment::append(const Rows& rows, Py_ssize_t row, const Recorded& recorded) {
    const size_t features = size_t(rows.n_features);
    const float* values = rows.values.data() + size_t(row) * features;
    PyObject* lead = recorded.leads ? PyList_GET_ITEM(recorded.leads, row) : nullptr;
    nb::object id_object;
    std::string_view id;
    std::array<unsigned char, kKeyBytes> key;
    if (lead) {
        id = id_of(lead, id_object);
        key = key_.of(id);
    }
    if (!is_kept(below_, lead ? key.data() : nullptr, values, features)) return true;
    const nb::object moment = lead && recorded.timed ? moment_of(lead) : nb::object(nb::none());
    int64_t as_of = 0;
    if (!moment.is_none()) as_of = PyLong_AsLongLong(moment.ptr());
    const double margin = PyFloat_AsDouble(PyList_GET_ITEM(recorded.margins, row));
    if (PyErr_Occurred()) throw nb::python_error();
    const TapeRecord record{recorded.time,
                            margin,
                            recorded.model,
                            recorded.flags,
                            moment.is_none() ? nullptr : &as_of,
                            values,
                            features,
                            lead ? key.data() : nullptr,
                            id,
                            recorded.request,
                            unseen_of(recorded.unseen, row)};
    const size_t size = record.padded_size();
    if (size > size_ - end_) return false;
    record.write(bytes_ + end_);
    end_ += size;
    return true;
}

uint64_t below_share(double share) {
    return share >= 1 ? std::numeric_limits<uint64_t>::max() : uint64_t(std::ldexp(share, 64));
}

// A row without a lead's key is chosen by its content, so that equal rows are kept together as well.
bool is_kept(uint64_t below, const unsigned char* key, const float* values, size_t features) {
    if (below == std::numeric_limits<uint64_t>::max()) return true;
    uint64_t place = uint64_t(crc32c(values, features * sizeof(float))) << 32;
    if (key) std::memcpy(&place, key, sizeof place);
    return place < below;
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

nb::bytes lead_key(nb::bytes secret, nb::bytes id) {
    const auto key = LeadKey({secret.c_str(), secret.size()}).of({id.c_str(), id.size()});
    return nb::bytes(reinterpret_cast<const char*>(key.data()), key.size());
}

uint32_t checksum(nb::handle buffer, uint32_t before) {
    const Given<uint8_t> bytes(buffer);
    return crc32c(bytes.data(), bytes.size(), before);
}

uint32_t checksum_plain(nb::handle buffer, uint32_t before) {
    const Given<uint8_t> bytes(buffer);
    return crc32c_plain(bytes.data(), bytes.size(), before);
}

}  // namespace

void bind_tape(nb::module_& m) {
    nb::class_<TapeSegment>(m, "TapeSegment")
        .def(nb::init<int, size_t, size_t, nb::bytes, double>(), nb::arg("file"), nb::arg("size"), nb::arg("begin"),
             nb::arg("secret"), nb::arg("share") = 1.0)
        .def_prop_ro("end", &TapeSegment::end)
        .def("record", &TapeSegment::record, nb::arg("rows"), nb::arg("margins"), nb::arg("leads").none(),
             nb::arg("request"), nb::arg("model"), nb::arg("flags"), nb::arg("timed"), nb::arg("unseen").none(),
             nb::arg("first") = 0)
        .def("close", &TapeSegment::close);
    m.def("read_tape", &read_tape, nb::arg("segment"), nb::arg("begin"), nb::arg("limit"));
    m.def("lead_key", &lead_key, nb::arg("secret"), nb::arg("lead_id"));
    m.def("crc32c", &checksum, nb::arg("buffer"), nb::arg("before") = 0);
    m.def("_crc32c_plain", &checksum_plain, nb::arg("buffer"), nb::arg("before") = 0);
}

}  // namespace leadscoring
