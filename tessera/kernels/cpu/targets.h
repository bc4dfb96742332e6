// The instruction sets that kernels are compiled for. The best that the machine has is chosen at run time.
//
// To be included first in every kernel source, before any header of Highway.
#pragma once

// The baseline (Highway's SSSE3 is what x86-64-v2 guarantees; its SSE4 asks for AES too), AVX2 and AVX3 (AVX-512).
// AVX3_DL adds only integer instructions, which no kernel uses yet.
#define HWY_DISABLED_TARGETS (HWY_SSE4 | HWY_AVX3_DL)

#include <cstdint>
#include <string>
#include <vector>

namespace tessera::kernels {

// The targets that were compiled and that this machine runs, best first, as bits of Highway.
std::vector<int64_t> simd_targets();
std::string simd_target_name(int64_t target);
// Restricts every kernel to one target (0: back to the best). For tests and benchmarks; not while kernels run.
void set_simd_target(int64_t target);

}  // namespace tessera::kernels
