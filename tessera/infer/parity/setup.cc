#include "tessera/infer/parity/setup.h"

#include <algorithm>
#include <cstring>

#include "tessera/formats/tensor.h"
#include "tessera/image/geometry.h"
#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"

namespace tessera::parity {
namespace {

constexpr size_t kPicturesKept = 8;

void reverse_channels(image::Picture& picture) {
  for (size_t i = 0; i + 2 < picture.pixels.size() && picture.channels == 3; i += 3)
    std::swap(picture.pixels[i], picture.pixels[i + 2]);
}

}  // namespace

std::unique_ptr<models::Model> build(const Setup& setup) {
  std::unique_ptr<models::Model> model;
  try {
    model = models::build(setup.architecture);
  } catch (const UsageError&) {
    return nullptr;  // a value that this family does not know
  }
  size_t used = 0;
  for (const nn::Parameter& parameter : model->state()) {
    const auto found = setup.parameters.find(parameter.name);
    if (found == setup.parameters.end() || found->second.shape() != parameter.tensor->shape()) return nullptr;
    *parameter.tensor = found->second;
    ++used;
  }
  return used == setup.parameters.size() ? std::move(model) : nullptr;
}

Tensor as_input(const formats::Array& array, const models::PictureSize& size, const std::string& where) {
  formats::Array batch = array;
  if (batch.shape.rank() == 3) batch.shape = {1, array.shape[0], array.shape[1], array.shape[2]};
  const auto [H, W, C] = size;
  const Shape& s = batch.shape;
  const auto is = [&s](int64_t a, int64_t b, int64_t c) {
    return s.rank() == 4 && s[0] > 0 && s[1] == a && s[2] == b && s[3] == c;
  };
  TESSERA_CHECK(is(C, H, W) || is(H, W, C),
                "{}: the model takes float32 (B, {}, {}, {}) or (B, {}, {}, {}), normalised, but this is {} {}", where,
                C, H, W, H, W, C, formats::name_of(array.type), to_string(array.shape));
  const Tensor images = formats::to_tensor(batch);
  return is(C, H, W) ? infer::channels_last(images) : images;
}

std::vector<image::Picture> as_pictures(const formats::Array& array, const std::string& where) {
  Shape shape = array.shape;
  if (shape.rank() == 3) shape = {1, shape[0], shape[1], shape[2]};
  TESSERA_CHECK(
      array.type == formats::FileType::U8 && shape.rank() == 4 && (shape[3] == 1 || shape[3] == 3) && shape.numel() > 0,
      "{}: pixels must be uint8 (B, H, W, 3) or (H, W, 3), but they are {} {}", where, formats::name_of(array.type),
      to_string(array.shape));
  std::vector<image::Picture> pictures;
  for (int64_t b = 0; b < shape[0]; ++b) {
    image::Picture& picture = pictures.emplace_back(shape[1], shape[2], shape[3]);
    std::memcpy(picture.pixels.data(), array.bytes.data() + static_cast<size_t>(b) * picture.pixels.size(),
                picture.pixels.size());
  }
  return pictures;
}

Shown::Shown(const formats::Array& array, const models::PictureSize& size, const std::string& where) {
  if (array.type == formats::FileType::U8) {
    pictures_ = as_pictures(array, where);
  } else {
    images_ = as_input(array, size, where);
  }
}

int64_t Shown::count() const {
  if (images_) return images_.size(0);
  return std::ssize(files_) + std::ssize(pictures_);
}

std::string Shown::name(int64_t index) const {
  return files_.empty() ? fmt::format("picture {}", index) : files_[static_cast<size_t>(index)].string();
}

const image::Picture& Shown::decoded(int64_t index, image::Orientation orientation) const {
  if (!pictures_.empty()) return pictures_[static_cast<size_t>(index)];
  const auto found = decoded_.find({index, orientation});
  if (found != decoded_.end()) return found->second;
  if (decoded_.size() >= kPicturesKept) decoded_.clear();
  return decoded_[{index, orientation}] =
             image::decode_file(files_[static_cast<size_t>(index)], {.orientation = orientation});
}

std::vector<image::Picture> Shown::pixels(const Setup& setup, int64_t begin, int64_t count) const {
  std::vector<image::Picture> seen;
  for (int64_t i = begin; i < begin + count; ++i) {
    seen.push_back(image::fit(decoded(i, setup.orientation), setup.preprocess));
    if (setup.bgr) reverse_channels(seen.back());
  }
  return seen;
}

Tensor Shown::images(const Setup& setup, const std::vector<image::Picture>& pixels) const {
  const image::Preprocess& how = setup.preprocess;
  Tensor images = Tensor::empty({std::ssize(pixels), how.height, how.width, how.channels});
  float* out = images.data();
  for (const image::Picture& picture : pixels) {
    image::normalise(picture, how, image::Layout::nhwc, out);
    out += picture.pixels.size();
  }
  for (const auto& edit : setup.edits) images = edit(images);
  return images;
}

Tensor Shown::images(const Setup& setup, int64_t begin, int64_t count) const {
  if (!images_) return images(setup, pixels(setup, begin, count));
  Tensor images = images_.rows(begin, count);
  for (const auto& edit : setup.edits) images = edit(images);
  return images;
}

}  // namespace tessera::parity
