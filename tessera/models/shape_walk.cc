#include "tessera/models/shape_walk.h"

#include <utility>

#include "tessera/core/error.h"

namespace tessera::models {

ShapeWalk::ShapeWalk(const PictureSize& picture) : shape_{picture.height, picture.width, picture.channels} {
  step("input");
}

void ShapeWalk::conv(const nn::Conv2d& conv) {
  const Tensor& w = conv.weight();
  const kernels::Extent2d out = kernels::windows_in(
      shape_[0], shape_[1],
      {.kernel = {w.size(2), w.size(3)}, .stride = conv.options().stride, .padding = conv.options().padding});
  TESSERA_CHECK(out.h > 0 && out.w > 0, "'{}': no {}x{} window fits into {}x{} pixels; img_size must be larger",
                conv.path(), w.size(2), w.size(3), shape_[0], shape_[1]);
  shape_ = {out.h, out.w, w.size(0)};
  step_.parameters += w.numel() + (conv.bias() ? conv.bias().numel() : 0);
  step_.macs += conv.macs(out.h, out.w);
}

void ShapeWalk::norm(const nn::BatchNorm2d& norm) { step_.parameters += 2 * norm.channels(); }

void ShapeWalk::inverted_residual(const nn::InvertedResidual& block) {
  if (block.expand()) conv_norm(*block.expand());
  conv_norm(block.depthwise());
  if (block.gate()) {
    const Shape map = shape_;
    from({1, 1, map[2]}), conv(block.gate()->fc1()), conv(block.gate()->fc2()), from(map);
  }
  conv_norm(block.project());
}

void ShapeWalk::pool(const ops::PoolOptions& options) {
  const ops::Extent2d out = ops::pooled_size({shape_[0], shape_[1]}, options);
  TESSERA_CHECK(out.h > 0 && out.w > 0, "no {}x{} window of a pooling fits into {}x{} pixels; img_size must be larger",
                options.kernel.h, options.kernel.w, shape_[0], shape_[1]);
  shape_ = {out.h, out.w, shape_[2]};
}

void ShapeWalk::adaptive_pool(ops::Extent2d out) { shape_ = {out.h, out.w, shape_[2]}; }

void ShapeWalk::global_pool() { shape_ = {shape_[2]}; }

void ShapeWalk::flatten() { shape_ = {shape_.numel()}; }

void ShapeWalk::linear(const nn::Linear& layer) {
  const Tensor& w = layer.weight();
  TESSERA_CHECK(shape_ == Shape{w.size(1)}, "'{}' takes {} numbers, but {} come", layer.path(), w.size(1),
                to_string(shape_));
  shape_ = {w.size(0)};
  step_.parameters += w.numel() + (layer.bias() ? layer.bias().numel() : 0);
  step_.macs += w.numel();
}

void ShapeWalk::layer(Shape shape, int64_t parameters, int64_t macs) {
  shape_ = std::move(shape);
  step_.parameters += parameters;
  step_.macs += macs;
}

void ShapeWalk::classify(const nn::PooledClassifier& classifier) {
  global_pool(), step("pool");
  if (classifier.linear()) linear(*classifier.linear()), step(classifier.path());
}

void ShapeWalk::classify(const nn::DenseClassifier& classifier) {
  flatten(), step("flatten");
  for (const auto& layer : classifier.layers()) linear(*layer), step(layer->path());
}

void ShapeWalk::step(std::string what) {
  step_.what = std::move(what);
  step_.shape = shape_;
  steps_.push_back(std::exchange(step_, {}));
}

}  // namespace tessera::models
