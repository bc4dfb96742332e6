// The weight gradient of depthwise convolutions, one filter for each channel, in Highway: oneDNN 2.6 computes it at
// 4 % of the arithmetic peak in this layout. For conv2d.cc.
#pragma once

#include "tessera/kernels/conv2d.h"

namespace tessera::kernels {

inline bool is_depthwise(const Conv2dShape& s) {
  return s.groups > 1 && s.groups == s.C && s.O == s.C && s.window.stride.w <= 2;
}

// What conv2d_backward promises of dw, for these shapes.
void depthwise_backward_weights(const Conv2dBackward& args);

}  // namespace tessera::kernels
