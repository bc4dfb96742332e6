#include "tessera/nn/classifier.h"

#include "tessera/ops/dropout.h"
#include "tessera/ops/flatten.h"
#include "tessera/ops/pooling.h"

namespace tessera::nn {

LinearStart normal_start(double deviation) {
  return {.weight = [deviation](int64_t) { return normal(deviation); }, .bias = [](int64_t) { return zeros(); }};
}

PooledClassifier::PooledClassifier(int64_t C, int64_t K, const PooledClassifierConfig& config)
    : dropout_(config.dropout) {
  if (K > 0) add_child("", linear_.emplace(C, K, true, config.start.weight(C), config.start.bias(C)));
}

Tensor PooledClassifier::forward(const Tensor& x) const {
  Tensor y = ops::global_avg_pool2d(x);  // (B, H, W, C) -> (B, C)
  ops::tap("pooled", y);
  y = ops::dropout(y, static_cast<float>(dropout_), path("drop"));
  return linear_ ? linear_->forward(y) : y;  // (B, K)
}

DenseClassifier::DenseClassifier(const DenseClassifierConfig& config) : config_(config) {
  const LinearStart& start = config.start;
  int64_t in = config.in;
  const auto add = [&](int64_t out) {
    layers_.push_back(std::make_unique<Linear>(in, out, true, start.weight(in), start.bias(in)));
    add_child(config.names[layers_.size() - 1], *layers_.back());
    in = out;
  };
  for (int64_t width : config.hidden) add(width);
  if (config.classes > 0) add(config.classes);
}

Tensor DenseClassifier::forward(const Tensor& x) const {
  const auto drop = [this](const Tensor& y, const Linear& layer) {
    return ops::dropout(y, static_cast<float>(config_.dropout), layer.path("drop"));
  };
  Tensor y = ops::flatten(x);  // (B, H, W, C) -> (B, C·H·W)
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Linear& layer = *layers_[i];
    if (i == config_.hidden.size()) return layer.forward(y);  // (B, K)
    if (config_.drop_inputs) y = drop(y, layer);
    y = layer.forward(y, {.activation = config_.activation});  // (B, hidden[i])
    ops::tap(layer.path(), y);
    if (!config_.drop_inputs) y = drop(y, layer);
  }
  return y;
}

}  // namespace tessera::nn
