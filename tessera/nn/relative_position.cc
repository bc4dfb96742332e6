#include "tessera/nn/relative_position.h"

#include <cmath>
#include <optional>

#include "tessera/ops/dropout.h"
#include "tessera/ops/tokens.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

namespace {

constexpr int64_t kPrefixRows = 3;
constexpr float kMlpDropout = 0.125f;  // timm's, of the hidden units, in training

int64_t count_offsets(const RelativeConfig& config) { return (2 * config.height - 1) * (2 * config.width - 1); }

}  // namespace

RelativePositions::RelativePositions(const RelativeConfig& config) {
  const int64_t offsets = count_offsets(config), width = config.width;
  const int64_t N = config.prefix + config.height * width;
  index_ = Tensor::empty({N, N}, DType::s32);
  for (int64_t i = 0; i < N; ++i) {
    for (int64_t j = 0; j < N; ++j) {
      const int64_t a = i - config.prefix, b = j - config.prefix;  // patches; negative in the prefix
      int64_t row = 0;
      if (a >= 0 && b >= 0) {
        row = (a / width - b / width + config.height - 1) * (2 * width - 1) + (a % width - b % width + width - 1);
      } else {
        row = offsets + (b >= 0 ? 0 : a >= 0 ? 1 : 2);
      }
      index_.data<int32_t>()[i * N + j] = static_cast<int32_t>(row);
    }
  }
}

Tensor RelativePositions::dense() const {
  const Tensor rows = table();
  const int64_t N = index_.size(0), h = rows.size(1);
  Tensor bias = Tensor::empty({h, N, N});
  for (int64_t head = 0; head < h; ++head)
    for (int64_t ij = 0; ij < N * N; ++ij)
      bias.data()[head * N * N + ij] = rows.data()[index_.data<int32_t>()[ij] * h + head];
  return bias;
}

RelativePositionBias::RelativePositionBias(const RelativeConfig& config, int64_t heads) : RelativePositions(config) {
  const int64_t rows = count_offsets(config) + (config.prefix ? kPrefixRows : 0);
  add_parameter("relative_position_bias_table", table_, {rows, heads}, trunc_normal(0.02));
}

RelativePositionMlp::RelativePositionMlp(const RelativeConfig& config, int64_t heads)
    : RelativePositions(config),
      prefix_(config.prefix > 0),
      fc1_(2, config.mlp_hidden),
      fc2_(config.mlp_hidden, heads) {
  add_child("mlp.fc1", fc1_);
  add_child("mlp.fc2", fc2_);
  const auto logarithm = [](int64_t offset) {
    return static_cast<float>(
        std::copysign(std::log1p(static_cast<double>(std::abs(offset))), static_cast<double>(offset)));
  };
  const int64_t columns = 2 * config.width - 1;
  offsets_ = Tensor::empty({count_offsets(config), 2});
  for (int64_t row = 0; row < offsets_.size(0); ++row) {
    offsets_.data()[2 * row] = logarithm(row / columns - (config.height - 1));
    offsets_.data()[2 * row + 1] = logarithm(row % columns - (config.width - 1));
  }
}

Tensor RelativePositionMlp::table() const {
  const int64_t T = offsets_.size(0);
  Tensor hidden =
      fc1_.forward(offsets_.reshape({1, T, 2}), {.activation = kernels::Activation::relu});  // (1, T, hidden)
  if (std::optional<ops::Draws> draws = ops::current_training()) {
    draws->first_sample = 0;  // one table for the whole batch, also where this is a later part of it
    const ops::TrainingState training(draws);
    hidden = ops::dropout(hidden, kMlpDropout, path("mlp.drop1"));
  }
  Tensor rows = fc2_.forward(hidden);  // (1, T, h)
  const int64_t h = rows.size(2);
  if (prefix_) rows = ops::concat_tokens({rows, Tensor::zeros({1, kPrefixRows, h})});  // (1, T + 3, h)
  return rows.reshape({rows.size(1), h});
}

std::unique_ptr<RelativePositions> relative_positions(const RelativeConfig& config, int64_t heads) {
  if (config.mlp_hidden > 0) return std::make_unique<RelativePositionMlp>(config, heads);
  return std::make_unique<RelativePositionBias>(config, heads);
}

}  // namespace tessera::nn
