#include "tessera/models/inverted_net.h"

#include <utility>

#include "tessera/models/shape_walk.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

Tensor InvertedNet::forward_features(const Tensor& images) {
  check_images(images);
  Tensor x = stem_->forward(images);  // (B, H/2, W/2, 32)
  ops::tap(stem_->path(), x);
  for (const auto& block : blocks_) {
    x = block->forward(std::move(x));  // … (B, H/32, W/32, 320)
    ops::tap(block->path(), x);
  }
  x = last_->forward(x);  // (B, H/32, W/32, 1280)
  ops::tap(last_->path(), x);
  return x;
}

std::vector<ShapeStep> InvertedNet::shapes() {
  ShapeWalk walk(input());
  walk.conv_norm(*stem_), walk.step(stem_->path());
  for (const auto& block : blocks_) walk.inverted_residual(*block), walk.step(block->path());
  walk.conv_norm(*last_), walk.step(last_->path());
  walk.classify(*classifier_);
  return std::move(walk).steps();
}

}  // namespace tessera::models
