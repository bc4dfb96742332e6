#include "tessera/nn/block.h"

#include "tessera/ops/add.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/tokens.h"
#include "tessera/ops/training.h"

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

// residual + run(). Where nothing stands between the two, the layer adds the residual behind its last product, in
// inference with the scale.
template <class Layer, class Run>
Tensor Block::add_branch(const Layer& layer, Run run, const Tensor& residual,
                         const std::optional<LayerScale>& layer_scale, const char* drop_path) const {
  const bool dropping = ops::current_training() && (layer.dropout() > 0 || drop_path_ > 0);
  const bool scaling = layer_scale && ops::recording({residual, layer_scale->gamma()});
  if (!dropping && !scaling && !ops::tapped(layer.path()))
    return run({.scale = layer_scale ? layer_scale->gamma() : Tensor(), .residual = residual});  // (B, reach, D)
  Tensor y = run({});                                                                            // (B, reach, D)
  ops::tap(layer.path(), y);
  if (layer_scale) y = ops::scale(y, layer_scale->gamma());
  return ops::add(residual, ops::drop_path(y, drop_path_, path(drop_path)));
}

Tensor Block::forward(const Tensor& x, int64_t reach, const Tensor& key_mask) const {
  if (reach == 0) reach = x.size(1);
  const auto attend = [&](const Tensor& tokens, const Tensor& residual) {
    return add_branch(
        attn_, [&](const ops::LinearOptions& last) { return attn_.forward(tokens, reach, last, key_mask); }, residual,
        ls1_, "drop_path1");
  };
  const auto transform = [&](const Tensor& tokens, const Tensor& residual) {
    return add_branch(
        mlp_, [&](const ops::LinearOptions& last) { return mlp_.forward(tokens, last); }, residual, ls2_, "drop_path2");
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
