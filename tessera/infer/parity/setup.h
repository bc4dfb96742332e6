// What may differ between a model here and its original, as values that can be changed and tried: tessera parity.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/formats/array.h"
#include "tessera/image/decode.h"
#include "tessera/image/preprocess.h"
#include "tessera/models/model.h"

namespace tessera::parity {

struct Setup {
  std::string architecture;                       // JSON (models/registry.h)
  std::map<std::string, Tensor> parameters = {};  // by name; shared with other setups, never written to
  // Of pictures.
  image::Preprocess preprocess;
  image::Orientation orientation = image::Orientation::apply;
  bool bgr = false;  // blue before red, which mean and std then meet
  // Of what the model is given, (B, H, W, C), in this order.
  std::vector<std::function<Tensor(const Tensor&)>> edits = {};
};

// The model of a setup. Null where its parameters are not those that the architecture needs.
std::unique_ptr<models::Model> build(const Setup& setup);

// What the model is shown: one array of input, or pictures.
class Shown {
 public:
  // array: float (B, C, H, W) or (B, H, W, C), or uint8 pixels (B, H, W, C) of any size. `where` names it in errors.
  Shown(const formats::Array& array, const models::PictureSize& size, const std::string& where);
  explicit Shown(Tensor images) : images_(std::move(images)) {}  // (B, H, W, C)
  explicit Shown(std::vector<std::filesystem::path> pictures) : files_(std::move(pictures)) {}

  bool has_pictures() const { return !images_; }
  int64_t count() const;
  std::string name(int64_t index) const;  // the file, or "picture 3"
  // Pictures [begin, begin + count) as the model sees them.
  std::vector<image::Picture> pixels(const Setup& setup, int64_t begin, int64_t count) const;
  // The model's input: (count, H, W, C)
  Tensor images(const Setup& setup, int64_t begin, int64_t count) const;
  Tensor images(const Setup& setup, const std::vector<image::Picture>& pixels) const;

 private:
  const image::Picture& decoded(int64_t index, image::Orientation orientation) const;

  std::vector<std::filesystem::path> files_;
  std::vector<image::Picture> pictures_;  // or these, of an array
  Tensor images_;                         // or this: (B, H, W, C)
  // Some pictures, since a search looks at them again and again.
  mutable std::map<std::pair<int64_t, image::Orientation>, image::Picture> decoded_;
};

// Float input as the model takes it: (B, C, H, W), (B, H, W, C) or one picture of these -> (B, H, W, C)
Tensor as_input(const formats::Array& array, const models::PictureSize& size, const std::string& where);

// uint8 (B, H, W, C) or (H, W, C) -> pictures
std::vector<image::Picture> as_pictures(const formats::Array& array, const std::string& where);

}  // namespace tessera::parity
