#pragma once

#include <nanobind/nanobind.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "encode.hpp"

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
inline constexpr uint8_t kHasMoment = 8;

// What the records of one call have in common, and the lists with what each has of its own; those may be None.
struct Recorded {
    std::string_view request;
    uint64_t time;
    uint16_t model;
    uint8_t flags;
    PyObject *margins, *leads, *as_of, *unseen;
};

// A segment of a tape that this process writes: a file mapped into memory.
class TapeSegment {
  public:
    // `file` is open for reading and writing, and has `size` bytes on disk; records begin at `begin`. Of the leads, a
    // `share` is kept, by their keys.
    TapeSegment(int file, size_t size, size_t begin, double share);
    ~TapeSegment() { close(); }
    TapeSegment(const TapeSegment&) = delete;
    TapeSegment& operator=(const TapeSegment&) = delete;

    // Appends the rows from `first` on; returns the first one for which there is no room, or the number of rows.
    Py_ssize_t record(const Rows& rows, nb::handle margins, nb::handle leads, nb::str request, uint16_t model,
                      uint64_t time, uint8_t flags, nb::handle as_of, nb::handle unseen, Py_ssize_t first);

    // The end of the last record.
    size_t end() const { return end_; }

    // Unmaps the file.
    void close();

  private:
    bool append(const Rows& rows, Py_ssize_t row, const Recorded& recorded);
    bool keeps(std::string_view lead, const float* values, size_t features) const;

    unsigned char* bytes_;
    size_t size_, end_;
    uint64_t below_;  // leads with a key below this are kept
};

void bind_tape(nb::module_& m);

}  // namespace leadscoring
