// Finds the distinct numbers of a column, and for each cell the place of its number among them.

#include "distinct.hpp"

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "arrays.hpp"

namespace leadscoring {

namespace {

inline constexpr uint64_t kSpread = 0x9e3779b97f4a7c15ull;  // 2^64 by the golden ratio: near keys get slots far apart

// All NaN are one number; 0.0 and -0.0 are two, since their texts differ.
uint64_t key_of(double value) {
    if (value != value) value = std::numeric_limits<double>::quiet_NaN();
    uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

// The places of numbers by their bits, in a table that is at most half full, and grows.
class Places {
  public:
    Places() : slots_(size_t(1) << width_) {}

    // Returns the place of a key; a new one gets the next, which is the number of keys.
    uint32_t find(uint64_t key) {
        Slot& slot = slot_of(key);
        if (slot.after != 0) return slot.after - 1;
        slot = {key, ++count_};
        const uint32_t place = count_ - 1;
        if (2 * size_t(count_) > slots_.size()) grow();
        return place;
    }

  private:
    struct Slot {
        uint64_t key = 0;
        uint32_t after = 0;  // one more than the place; 0 for none
    };

    Slot& slot_of(uint64_t key) {
        size_t at = size_t((key * kSpread) >> (64 - width_));
        while (slots_[at].after != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
        return slots_[at];
    }

    void grow() {
        std::vector<Slot> before(size_t(1) << ++width_);
        before.swap(slots_);
        for (const Slot& slot : before)
            if (slot.after != 0) slot_of(slot.key) = slot;
    }

    unsigned width_ = 10;
    uint32_t count_ = 0;
    std::vector<Slot> slots_;
};

}  // namespace

size_t find_distinct(const double* values, size_t size, uint32_t* places, double* found, size_t most) {
    Places known;
    size_t count = 0;
    for (size_t i = 0; i < size; ++i) {
        const uint32_t place = known.find(key_of(values[i]));
        places[i] = place;
        if (place < count) continue;
        if (count == most) return most + 1;
        found[count++] = values[i];
    }
    return count;
}

namespace {

nb::object distinct_numbers(nb::handle values, nb::handle places, nb::handle found) {
    const Given<double> given(values);
    const Filled<uint32_t> filled(places);
    const Filled<double> room(found);
    filled.check(given.size(), "places");
    if (room.size() >= std::numeric_limits<uint32_t>::max()) throw nb::value_error("found has room for too many numbers");
    size_t count;
    {
        const nb::gil_scoped_release release;
        count = find_distinct(given.data(), given.size(), filled.data(), room.data(), room.size());
    }
    return count > room.size() ? nb::none() : nb::object(nb::int_(count));
}

}  // namespace

void bind_distinct(nb::module_& m) {
    m.def("distinct_numbers", &distinct_numbers, nb::arg("values"), nb::arg("places"), nb::arg("found"));
}

}  // namespace leadscoring
