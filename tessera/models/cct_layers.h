// The layers of Compact Transformers, with the names of the authors' code.
#pragma once

#include <memory>
#include <vector>

#include "tessera/nn/attention.h"
#include "tessera/nn/conv2d.h"
#include "tessera/ops/pooling.h"

namespace tessera::models {

struct TokenizerConfig {
  int64_t channels = 3;  // of the picture
  int64_t layers = 1;    // convolutions
  int64_t width = 64;    // channels between them
  int64_t D = 0;         // channels behind the last
  nn::Conv2dConfig conv = {};
  bool follows = true;         // ReLU and max pooling behind each convolution; otherwise nothing
  ops::PoolOptions pool = {};  // with `follows`

  // What comes out of a picture of this size, in rows and columns of tokens; 0 where nothing does.
  kernels::Extent2d grid(kernels::Extent2d picture) const;
};

// Section 3.3, eq. 4: max_pool(relu(conv(x))) is a row of tokens, layer after layer: `conv_layers.0.0`,
// `conv_layers.1.0`.
class Tokenizer : public nn::Module {
 public:
  explicit Tokenizer(const TokenizerConfig& config);
  // images (B, H, W, C) -> tokens (B, N, D), row by row
  Tensor forward(const Tensor& images) const;
  const std::vector<std::unique_ptr<nn::Conv2d>>& convolutions() const { return convolutions_; }

 private:
  TokenizerConfig config_;
  std::vector<std::unique_ptr<nn::Conv2d>> convolutions_;
};

struct CompactBlockConfig {
  nn::AttentionConfig attention;
  int64_t hidden = 0;
  double norm_eps = 1e-5;
  double dropout = 0;
  double drop_path = 0;
};

// The block of the authors' code, whose second residual starts from normed tokens:
//   y = norm1(x + attn(pre_norm(x)));   y + linear2(gelu(linear1(y)))
class CompactBlock : public nn::Module {
 public:
  explicit CompactBlock(const CompactBlockConfig& config);
  Tensor forward(const Tensor& x) const;  // (B, N, D) -> (B, N, D)

 private:
  float dropout_, drop_path_;
  nn::LayerNorm pre_norm_;
  nn::Attention self_attn_;
  nn::Linear linear1_;
  nn::LayerNorm norm1_;
  nn::Linear linear2_;
};

// Section 3.2, eq. 2 and 3: the mean of the tokens, weighted by softmax(g(x)) over them, g linear: `weight` (1, D) and
// `bias` (1).
class SequencePool : public nn::Module {
 public:
  explicit SequencePool(int64_t D);
  // (B, N, D) -> (B, D). Offers the weights (B, 1, 1, N) as a tap under its path.
  Tensor forward(const Tensor& x) const;

 private:
  Tensor weight_, bias_;
};

}  // namespace tessera::models
