// One picture's way through a network of convolutions, layer by layer: what Model::shapes() of such a network tells.
//
//   ShapeWalk walk(input());
//   walk.conv_norm(stem), walk.pool(kPool), walk.step("stem");
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/nn/classifier.h"
#include "tessera/nn/conv2d.h"
#include "tessera/nn/inverted_residual.h"
#include "tessera/ops/pooling.h"

namespace tessera::models {

class ShapeWalk {
 public:
  // The first step is "input".
  explicit ShapeWalk(const PictureSize& picture);

  // Layers that the picture passes: each gives it a new shape, and adds its parameters and multiply-accumulates to the
  // step that is under way. What does not fit is an Error.
  void conv(const nn::Conv2d& conv);
  void norm(const nn::BatchNorm2d& norm);
  void conv_norm(const nn::ConvNorm& layer) { conv(layer.conv()), norm(layer.norm()); }
  void inverted_residual(const nn::InvertedResidual& block);
  void pool(const ops::PoolOptions& options);
  void adaptive_pool(ops::Extent2d out);  // (H, W, C) -> (out.h, out.w, C)
  void global_pool();                     // (H, W, C) -> (C)
  void flatten();                         // (H, W, C) -> (C·H·W)
  void linear(const nn::Linear& layer);   // (in) -> (out)
  // Any other layer.
  void layer(Shape shape, int64_t parameters, int64_t macs);
  // The whole classifier as steps "pool" and its own path.
  void classify(const nn::PooledClassifier& classifier);
  // The whole classifier as a step "flatten" and one for each linear layer.
  void classify(const nn::DenseClassifier& classifier);

  // Ends a step: its name, and what was passed since the last one.
  void step(std::string what);

  // For branches: where the picture is, and going on from elsewhere.
  const Shape& shape() const { return shape_; }
  void from(Shape shape) { shape_ = std::move(shape); }

  std::vector<ShapeStep> steps() && { return std::move(steps_); }

 private:
  Shape shape_;
  ShapeStep step_;  // under way
  std::vector<ShapeStep> steps_;
};

}  // namespace tessera::models
