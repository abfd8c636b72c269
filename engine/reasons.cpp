#include "reasons.hpp"

#include <utility>

namespace leadscoring {

namespace {

const Forest* trees_of(nb::handle forest) {
    if (!nb::isinstance<Forest>(forest)) throw nb::type_error("reasons are those of a forest");
    return nb::cast<const Forest*>(forest);
}

}  // namespace

ReasonCounter::ReasonCounter(nb::object forest, nb::handle numbers)
    : forest_(std::move(forest)), trees_(trees_of(forest_)), numbers_(numbers) {
    if (numbers_.size() % 2 != 0) throw nb::value_error("the numbers must be two a feature");
}

}  // namespace leadscoring
