// The bias of attention within windows: given as a table of offsets, dense while the kernels run.
#pragma once

#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/window_attention.h"

namespace tessera::kernels {

// The distance of rows of M biases, so that each begins a cache line.
inline int64_t window_bias_stride(const WindowGrid& grid) { return (grid.places() + 15) / 16 * 16; }

// bias[head, i, j] = table[offset(i, j), head] -> (h, M, stride)
Floats window_bias(const WindowAttentionInputs& in);

// dtable[offset(i, j), head] (+)= Σ dbias[piece, head, i, j] in the order of the pieces; dbias (pieces, h, M, stride).
void window_bias_to_table(const WindowAttentionInputs& in, const float* dbias, int pieces, const Grad& dtable);

}  // namespace tessera::kernels
