// Patch merging: four neighbouring tokens of a map become one of four times their width. Liu et al., "Swin Transformer"
// (2021), section 3.1.
//
//   y[b, gy, gx, (2·px + py)·C + c] = x[b, 2·gy + py, 2·gx + px, c], 0 beyond the map;   gh = ⌈H/2⌉, gw = ⌈W/2⌉
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

struct MergePatchesForward {
  const float* x;  // (B, H, W, C)
  float* y;        // (B, gh, gw, 4·C)
  int64_t B, H, W, C;
};
void merge_patches_forward(Context& context, const MergePatchesForward& args);

struct MergePatchesBackward {
  const float* dy;  // (B, gh, gw, 4·C)
  Grad dx;          // (B, H, W, C), not null
  int64_t B, H, W, C;
};
void merge_patches_backward(Context& context, const MergePatchesBackward& args);

}  // namespace tessera::kernels
