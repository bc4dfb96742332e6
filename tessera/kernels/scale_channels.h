// The gate of squeeze-and-excitation: Hu et al., "Squeeze-and-Excitation Networks" (2018), eq. 4.
//
//   y[b, p, c] = x[b, p, c] · gate[b, c]
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct ScaleChannelsForward {
  const float* x;     // (B, P, C), P pixels of a sample
  const float* gate;  // (B, C)
  float* y;           // (B, P, C), may be x
  int64_t B, P, C;
};
void scale_channels_forward(Context& context, const ScaleChannelsForward& args);

// dx = dy · gate,   dgate = Σ_p dy · x. The same bits for any number of threads.
struct ScaleChannelsBackward {
  const float* dy;    // (B, P, C)
  const float* x;     // (B, P, C), read for dgate only
  const float* gate;  // (B, C), read for dx only
  Grad dx;            // (B, P, C)
  Grad dgate;         // (B, C)
  int64_t B, P, C;
};
void scale_channels_backward(Context& context, const ScaleChannelsBackward& args);

}  // namespace tessera::kernels
