// What an original model computed, out of a file: tessera parity.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tessera/core/tensor.h"
#include "tessera/formats/array.h"
#include "tessera/image/picture.h"
#include "tessera/models/model.h"

namespace tessera::parity {

struct Reference {
  std::string where;                   // the file
  formats::NamedArrays tensors;        // under our names: "logits", and whatever a tap offers (ops/tap.h)
  std::vector<image::Picture> pixels;  // what it saw, 8-bit; or none
  Tensor input;                        // the same normalised, (B, H, W, C); or undefined
};

// An .npy file, the logits; or a file of named arrays: `logits`, `input`, `pixels` and intermediates.
Reference read_reference(const std::filesystem::path& path, const models::PictureSize& size);

}  // namespace tessera::parity
