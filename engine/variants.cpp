// Detects the instruction sets of this machine, and selects the kernel.

#include <atomic>

#include "forest.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace leadscoring {

namespace {

#if defined(__x86_64__)
// The operating system must save the wide registers too, which XCR0 reports. (Read directly, because
// __builtin_cpu_supports needs a run-time library that not every compiler provides.)
struct Machine {
    bool avx2 = false, avx512 = false;

    Machine() {
        unsigned a, b, c, d;
        if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 27)) || !(c & (1u << 28))) return;
        unsigned low, high;
        __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
        const unsigned foundation = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
        const unsigned wanted = foundation | dq | bw | vl;
        avx2 = (low & 0x6) == 0x6 && (b & (1u << 5));
        avx512 = avx2 && (low & 0xe6) == 0xe6 && (b & wanted) == wanted;
    }
};
#endif

std::atomic<const Kernel*> chosen{nullptr};

}  // namespace

std::vector<const Kernel*> kernels() {
    std::vector<const Kernel*> found{&kBaseline};
#if defined(__x86_64__)
    const Machine machine;
    if (machine.avx2) found.push_back(&kAvx2);
    if (machine.avx512) found.push_back(&kAvx512);
#endif
    return found;
}

const Kernel& kernel() {
    const Kernel* current = chosen.load(std::memory_order_relaxed);
    if (!current) {
        current = kernels().back();
        chosen.store(current, std::memory_order_relaxed);
    }
    return *current;
}

void use_kernel(const std::string& name) {
    std::string known;
    for (const Kernel* candidate : kernels()) {
        if (name == candidate->name) {
            chosen.store(candidate, std::memory_order_relaxed);
            return;
        }
        known += (known.empty() ? "" : ", ") + std::string(candidate->name);
    }
    throw std::invalid_argument("this machine has the variants " + known + ", not '" + name + "'");
}

}  // namespace leadscoring
