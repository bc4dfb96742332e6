// What networks of convolutions end with: from the last map to logits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/nn/linear.h"

namespace tessera::nn {

// How the weights and biases of linear layers start, as a function of their inputs.
struct LinearStart {
  std::function<Init(int64_t in)> weight = uniform_fan_in, bias = uniform_fan_in;  // PyTorch's
};
// N(0, deviation²), and biases of 0.
LinearStart normal_start(double deviation);

struct PooledClassifierConfig {
  double dropout = 0;
  LinearStart start = {};
};

// The mean over the map, dropout, and one linear layer, `weight` (K, C) and `bias` (K).
class PooledClassifier : public Module {
 public:
  // K 0: no linear layer, the mean comes out.
  PooledClassifier(int64_t C, int64_t K, const PooledClassifierConfig& config = {});
  // x (B, H, W, C) -> (B, K). Offers the mean as the tap "pooled".
  Tensor forward(const Tensor& x) const;
  const std::optional<Linear>& linear() const { return linear_; }

 private:
  double dropout_;
  std::optional<Linear> linear_;
};

struct DenseClassifierConfig {
  int64_t in;                      // C·H·W
  std::vector<int64_t> hidden;     // widths
  int64_t classes;                 // 0: what the last hidden layer gives comes out
  std::vector<std::string> names;  // of the hidden layers and of the last one
  kernels::Activation activation = kernels::Activation::relu;
  double dropout = 0;
  bool drop_inputs = false;  // dropout in front of each hidden layer instead of behind its activation
  LinearStart start = {};
};

// The whole map in PyTorch's order (C, H, W), then linear layers with an activation behind each but the last.
class DenseClassifier : public Module {
 public:
  explicit DenseClassifier(const DenseClassifierConfig& config);
  // x (B, H, W, C) -> (B, K). Offers what each hidden layer gives as the tap with its name.
  Tensor forward(const Tensor& x) const;
  const std::vector<std::unique_ptr<Linear>>& layers() const { return layers_; }

 private:
  DenseClassifierConfig config_;
  std::vector<std::unique_ptr<Linear>> layers_;
};

}  // namespace tessera::nn
