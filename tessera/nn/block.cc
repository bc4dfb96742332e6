#include "tessera/nn/block.h"

#include "tessera/nn/branch.h"
#include "tessera/ops/tokens.h"

namespace tessera::nn {

Block::Block(const BlockConfig& config)
    : post_norm_(config.post_norm),
      drop_path_(static_cast<float>(config.drop_path)),
      norm1_(config.attention.D, config.norm_eps),
      attn_(config.attention),
      norm2_(config.attention.D, config.norm_eps),
      mlp_(config.mlp) {
  add_child("norm1", norm1_);
  add_child("attn", attn_);
  if (config.init_values != 0) add_child("ls1", ls1_.emplace(config.attention.D, config.init_values));
  add_child("norm2", norm2_);
  add_child("mlp", mlp_);
  if (config.init_values != 0) add_child("ls2", ls2_.emplace(config.attention.D, config.init_values));
}

Tensor Block::forward(const Tensor& x, int64_t reach, const Tensor& key_mask) const {
  if (reach == 0) reach = x.size(1);
  const Branch branch1{*this, "drop_path1", drop_path_, ls1_ ? ls1_->gamma() : Tensor()};
  const Branch branch2{*this, "drop_path2", drop_path_, ls2_ ? ls2_->gamma() : Tensor()};
  const auto attend = [&](const Tensor& tokens, const Tensor& residual) {
    return add_branch(
        branch1, attn_, [&](const ops::LinearOptions& last) { return attn_.forward(tokens, reach, last, key_mask); },
        residual);
  };
  const auto transform = [&](const Tensor& tokens, const Tensor& residual) {
    return add_branch(
        branch2, mlp_, [&](const ops::LinearOptions& last) { return mlp_.forward(tokens, last); }, residual);
  };
  const Tensor reached = reach == x.size(1) ? x : ops::slice_tokens(x, 0, reach);  // (B, reach, D)
  if (post_norm_) {
    const Tensor y = norm1_.forward(attend(x, reached));
    return norm2_.forward(transform(y, y));
  }
  const Tensor y = attend(norm1_.forward(x, reach == x.size(1) ? attn_.input_dtype() : DType::f32), reached);
  return transform(norm2_.forward(y, mlp_.input_dtype()), y);
}

}  // namespace tessera::nn
