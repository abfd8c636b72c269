#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "encode.hpp"
#include "lead_key.hpp"

namespace leadscoring {

namespace nb = nanobind;

// What precedes the texts of a record on a tape, little endian. The size does not include the padding to 8 bytes; the
// checksum covers what follows it. `size` is stored last: a record with a size is complete.
struct RecordHead {
    uint32_t size, crc;
    uint64_t time;
    double margin;
    uint16_t model, features, lead_length;
    uint8_t request_length, flags;
};
static_assert(sizeof(RecordHead) == 32);

inline constexpr size_t kChecked = 8;  // where the checksum begins
inline constexpr uint8_t kHasMoment = 8, kPlainId = 16;

// What the records of one call have in common, and what each has of its own; leads and unseen texts may be null.
struct Recorded {
    std::string_view request;
    uint64_t time;
    uint16_t model;
    uint8_t flags;
    PyObject *margins, *leads, *unseen;
    bool timed;  // whether leads have a moment as of which they were scored
};

// One record, as it is written; what it points to is the caller's. `as_of` and `key` may be null, and the id is written
// only with its flag.
struct TapeRecord {
    uint64_t time;
    double margin;
    uint16_t model;
    uint8_t flags;
    const int64_t* as_of;
    const float* values;
    size_t features;
    const unsigned char* key;
    std::string_view id, request, unseen;

    // With the padding to 8 bytes. Raises ValueError if it is too long.
    size_t padded_size() const;

    // `record` has `padded_size` bytes, which are zero, aligned to 8.
    void write(unsigned char* record) const;

  private:
    size_t size() const;
    size_t lead_length() const;
};

// Keys below the result are those of the `share` of the leads that is kept; rows without a key go by their content.
uint64_t below_share(double share);
bool is_kept(uint64_t below, const unsigned char* key, const float* values, size_t features);

// The time now, in microseconds since 1970.
uint64_t microseconds();

// The unseen texts of a row, in a dict by row or null. Raises TypeError unless they are bytes.
std::string_view unseen_of(PyObject* texts, Py_ssize_t row);

// A segment of a tape that this process writes: a file mapped into memory.
class TapeSegment {
  public:
    // `file` is open for reading and writing, and has `size` bytes on disk; records begin at `begin`. Of the leads, a
    // `share` is kept, by their keys.
    TapeSegment(int file, size_t size, size_t begin, nb::bytes secret, double share);
    ~TapeSegment() { close(); }
    TapeSegment(const TapeSegment&) = delete;
    TapeSegment& operator=(const TapeSegment&) = delete;

    // Appends the rows from `first` on; returns the first one for which there is no room, or the number of rows.
    // `unseen` is called with the leads only if the rows have unseen texts; it returns them as a dict by row.
    Py_ssize_t record(const Rows& rows, nb::handle margins, nb::handle leads, nb::handle request, uint16_t model,
                      uint8_t flags, bool timed, nb::handle unseen, Py_ssize_t first);

    // The end of the last record.
    size_t end() const { return end_; }

    // Unmaps the file.
    void close();

  private:
    bool append(const Rows& rows, Py_ssize_t row, const Recorded& recorded);

    LeadKey key_;
    unsigned char* bytes_;
    size_t size_, end_;
    uint64_t below_;  // leads with a key below this are kept
};

void bind_tape(nb::module_& m);

}  // namespace leadscoring
