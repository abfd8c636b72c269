// The baseline of the architecture: SSE2 or NEON.
#include "kernel.hpp"

#define LEADSCORING_LANES 4
#define LEADSCORING_KERNEL kBaseline
#define LEADSCORING_NAME "baseline"
#include "kernel_body.hpp"
