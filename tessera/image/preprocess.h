// From a picture of any size to the numbers a model expects: resize, crop to the input size, normalise. The rules of
// torchvision's Resize + CenterCrop, of timm's three crop modes and of Hugging Face's image processors, on Pillow's
// resize.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/image/picture.h"

namespace tessera::image {

// Plain values, so that a model file can hold them.
struct Preprocess {
  // The model's input. A picture is turned into gray for 1 channel, gray is repeated for 3.
  int64_t height = 224;
  int64_t width = 224;
  int64_t channels = 3;

  // How the picture reaches its size before the crop, with s = (resize_height, resize_width), or where these are 0
  // floor(input size / crop_pct):
  //   "center"  the shorter side becomes s, the longer one follows (torchvision's Resize(s), timm)
  //   "squash"  both sides become s, whatever the ratio (timm; Hugging Face's ViT with crop_pct = 1)
  //   "border"  the longer side becomes s; what is then missing is filled with the mean colour (timm)
  std::string crop_mode = "center";
  double crop_pct = 0.875;
  int64_t resize_height = 0;
  int64_t resize_width = 0;
  std::string interpolation = "bicubic";  // "nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"
  std::string pillow = "13";              // whose order of passes: "13" or "9.4" (see resize.h)

  // Where an odd number of pixels is cut off: the first offset is (H - t) / 2 rounded half to even (torchvision, timm),
  // or rounded down (Hugging Face), which pads with the odd pixel first. What is smaller than the input is padded with
  // 0.
  bool floor_crop = false;

  // One for each channel. out = (pixel / 255 - mean) / std, each step in float32.
  std::vector<double> mean = {0.485, 0.456, 0.406};
  std::vector<double> std = {0.229, 0.224, 0.225};

  void visit(Options& o);

  bool operator==(const Preprocess&) const = default;
};

// Where a centre crop begins: the first of `input` pixels in the middle of `size`; negative where `size` is smaller.
int64_t crop_offset(int64_t size, int64_t input, bool floor);

// round(255 mean) of each channel: what surrounds a picture that does not fill its place.
std::array<uint8_t, 3> mean_colour(const Preprocess& how);

// Throws an Error that names the value which cannot be. fit() and normalise() take values that passed.
void check(const Preprocess& how);

// What fit() will look at. `how` must outlive it.
Need need_of(const Preprocess& how);

// The pixels that a picture is seen as: (h, w, C) -> (height, width, channels). Pure.
Picture fit(const Picture& picture, const Preprocess& how);

enum class Layout { nhwc, nchw };

// Normalises a picture of `channels` channels, of any size: (H, W, C) -> H·W·C floats at `out`, as (H, W, C) or
// (C, H, W).
void normalise(const Picture& picture, const Preprocess& how, Layout layout, float* out);

}  // namespace tessera::image
