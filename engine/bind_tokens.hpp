#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

// Python bindings of how dates, texts, addresses and sets are read: for training, which chooses among their tokens.
void bind_tokens(nanobind::module_& m);

}  // namespace leadscoring
