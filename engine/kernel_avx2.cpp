#include "kernel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#define LEADSCORING_LANES 8
#define LEADSCORING_KERNEL kAvx2
#define LEADSCORING_NAME "avx2"
#include "kernel_body.hpp"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
