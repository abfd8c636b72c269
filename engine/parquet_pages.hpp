#pragma once

#include <nanobind/nanobind.h>

namespace leadscoring {

void bind_parquet_pages(nanobind::module_& m);

}  // namespace leadscoring
