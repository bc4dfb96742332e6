#include "tessera/models/swin_stage.h"

#include "tessera/nn/branch.h"
#include "tessera/ops/merge_patches.h"

namespace tessera::models {

PatchMerging::PatchMerging(int64_t D, int64_t out, double norm_eps)
    : norm_(4 * D, norm_eps), reduction_(4 * D, out, /*bias=*/false) {
  add_child("norm", norm_);
  add_child("reduction", reduction_);
}

Tensor PatchMerging::forward(const Tensor& x, int64_t H, int64_t W) const {
  const Tensor merged = ops::merge_patches(x, H, W);                           // (B, ⌈H/2⌉·⌈W/2⌉, 4·D)
  return reduction_.forward(norm_.forward(merged, reduction_.input_dtype()));  // (B, ⌈H/2⌉·⌈W/2⌉, out)
}

SwinBlock::SwinBlock(const SwinBlockConfig& config)
    : drop_path_(static_cast<float>(config.drop_path)),
      norm1_(config.attention.D, config.norm_eps),
      attn_(config.attention),
      norm2_(config.attention.D, config.norm_eps),
      mlp_(config.mlp) {
  add_child("norm1", norm1_);
  add_child("attn", attn_);
  add_child("norm2", norm2_);
  add_child("mlp", mlp_);
}

Tensor SwinBlock::forward(const Tensor& x) const {
  const Tensor normed = norm1_.forward(x, attn_.input_dtype());  // (B, H·W, D)
  const Tensor y = nn::add_branch(
      {*this, "drop_path1", drop_path_}, attn_,
      [&](const ops::LinearOptions& last) { return attn_.forward(normed, last); }, x);  // (B, H·W, D)
  const Tensor again = norm2_.forward(y, mlp_.input_dtype());                           // (B, H·W, D)
  return nn::add_branch(
      {*this, "drop_path2", drop_path_}, mlp_,
      [&](const ops::LinearOptions& last) { return mlp_.forward(again, last); }, y);  // (B, H·W, D)
}

}  // namespace tessera::models
