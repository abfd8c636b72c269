#include "kernel.hpp"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512")
#endif

#define LEADSCORING_LANES 16
#define LEADSCORING_KERNEL kAvx512
#define LEADSCORING_NAME "avx512"
#include "kernel_body.hpp"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
