// Weights that were made for one size, for another: position tables, relative-position tables, patch kernels, input
// channels. Each origin has a convention of its own, and their results differ by percents: each is here by its name.
//
// All pure; f32 in and out, double within. A size that stays gives the same values. Reference values:
// tests/golden/origins/resize, held to 5e-6.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/tensor.h"

namespace tessera::weights {

// Rows and columns of a picture's patches, of a window, or of a patch's pixels.
struct Grid {
  int64_t height = 0, width = 0;
  bool operator==(const Grid&) const = default;
};

// How a table of positions is read between its points. n points become m, along each axis for itself.
//   timm         bicubic (a = -1/2), widened when it shrinks, as Pillow resizes pictures (resample_abs_pos_embed)
//   hf           bicubic (a = -3/4), never widened (Hugging Face, DeiT)
//   dino         as hf, with the scale n / (m + 0.1) (DINO, DINOv2, older Hugging Face)
//   torchvision  as hf, with the corners aligned (interpolate_embeddings)
//   timm_npz     bilinear, never widened (timm reading .npz)
//   google_zoom  bilinear with the corners aligned (Google's and big_vision's scipy.ndimage.zoom)
enum class PositionResize { timm, hf, dino, torchvision, timm_npz, google_zoom };

// table (…1, prefix + from.height·from.width, D) -> (…1, prefix + to.height·to.width, D). The first `prefix` rows
// (class token, registers) stay as they are; the others are row-major, y first.
Tensor resize_positions(const Tensor& table, int64_t prefix, Grid from, Grid to, PositionResize how);

// How a table of relative positions, (2h-1)(2w-1) offsets of a window of h x w, is read between its points.
//   timm    bilinear, between points that spread geometrically (BEiT's, timm's resize_rel_pos_bias_table)
//   simple  PositionResize::hf over the offsets (Swin's own code)
//   levit   PositionResize::timm over the offsets
enum class RelativeResize { timm, simple, levit };

// table ((2·from.height-1)(2·from.width-1) + extra, h) -> the same of `to`. The last `extra` rows (3 in BEiT: to, from
// and at the class token) stay as they are.
Tensor resize_relative(const Tensor& table, Grid from, Grid to, int64_t extra, RelativeResize how);

// How a patch kernel follows from one of another size: so that a picture resized by B gives the same as before,
// kernel · pinv(B). Beyer et al., "FlexiViT" (CVPR 2023), eq. 5. B is bicubic as in PositionResize::timm, or bilinear
// as in timm_npz.
enum class PatchResize { flexi, flexi_npz };

// kernel (D, C, Ph, Pw) -> (D, C, to.height, to.width)
Tensor resize_patch(const Tensor& kernel, Grid to, PatchResize how);

// kernel (D, C, …) -> (D, channels, …) as timm's adapt_input_conv: to one channel the sum of all; to n channels 0, 1, …
// C-1, 0, 1 … times C/n.
Tensor adapt_channels(const Tensor& kernel, int64_t channels);

// By name, as options have them. An unknown name is a UsageError that tells the nearest.
PositionResize position_resize_named(std::string_view name);
RelativeResize relative_resize_named(std::string_view name);
PatchResize patch_resize_named(std::string_view name);
const char* name_of(PositionResize how);
const char* name_of(RelativeResize how);
const char* name_of(PatchResize how);
// In the order of the enumeration.
std::vector<std::string> position_resize_names();
std::vector<std::string> relative_resize_names();
std::vector<std::string> patch_resize_names();

}  // namespace tessera::weights
