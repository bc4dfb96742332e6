// The bias of attention within windows: given as a table of offsets, dense while the kernels run.
#pragma once

#include <fmt/format.h>

#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/profile.h"
#include "tessera/kernels/window_attention.h"

namespace tessera::kernels {

// The distance of rows of M biases, so that each begins a cache line.
inline int64_t window_bias_stride(const WindowGrid& grid) { return (grid.places() + 15) / 16 * 16; }

// bias[head, i, j] = table[offset(i, j), head] -> (h, M, stride)
Floats window_bias(const WindowAttentionInputs& in);

// dtable[offset(i, j), head] (+)= Σ dbias[piece, head, i, j] in the order of the pieces; dbias (pieces, h, M, stride).
void window_bias_to_table(const WindowAttentionInputs& in, const float* dbias, int pieces, const Grad& dtable);

// What attention within windows has to do, for profiles. products: of (M, M) by d, for each head of each window.
inline Work work_of(const WindowAttentionInputs& in, const char* name, int products) {
  const double heads = static_cast<double>(in.B * in.grid.windows() * in.h), d = static_cast<double>(in.d);
  const double M = static_cast<double>(in.grid.places());
  return {fmt::format("{} {} x {} windows x {} heads, ({}, {}) by {}", name, in.B, in.grid.windows(), in.h,
                      in.grid.places(), in.grid.places(), in.d),
          2 * products * heads * M * M * d, 2 * products * heads * M * d * 4};
}

}  // namespace tessera::kernels
