#include "tessera/models/swin.h"

#include "tessera/models/family.h"

#include "tessera/ops/dropout.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::models {

namespace {

nn::PatchEmbedConfig patch_embed_config(const SwinConfig& c) {
  return {.channels = c.in_chans,
          .patch_height = c.patch_size[0],
          .patch_width = c.patch_size[1],
          .D = c.embed_dim,
          .last_norm = c.patch_norm,
          .norm_eps = c.norm_eps};
}

// index: of the block in its stage; of_all: among the blocks of all stages.
SwinBlockConfig block_config(const SwinConfig& c, int64_t stage, int64_t index, int64_t of_all) {
  SwinBlockConfig block;
  block.attention = {.D = c.width(stage),
                     .heads = c.num_heads[static_cast<size_t>(stage)],
                     .head_dim = c.head_width(stage),
                     .grid = c.grid(stage, index),
                     .qkv_bias = c.qkv_bias,
                     .attn_drop = c.attn_drop_rate,
                     .proj_drop = c.proj_drop_rate};
  block.mlp.D = c.width(stage);
  block.mlp.hidden = c.mlp_hidden(stage);
  block.mlp.activation = kernels::activation_named(c.act);
  block.mlp.dropout = c.proj_drop_rate;
  block.norm_eps = c.norm_eps;
  // Stochastic depth grows linearly from 0 at the first block to the full rate at the last.
  const int64_t last = c.blocks() - 1;
  block.drop_path = last > 0 ? c.drop_path_rate * static_cast<double>(of_all) / static_cast<double>(last) : 0;
  return block;
}

}  // namespace

Swin::Swin(const SwinConfig& config)
    : config_(config),
      patch_embed_(patch_embed_config(config)),
      norm_(config.width(config.stages() - 1), config.norm_eps) {
  add_child("patch_embed", patch_embed_);
  int64_t of_all = 0;
  for (int64_t s = 0; s < config.stages(); ++s) {
    Stage& stage = stages_.emplace_back();
    const std::string name = "layers." + std::to_string(s);
    if (s > 0) {
      stage.downsample = std::make_unique<PatchMerging>(config.width(s - 1), config.width(s), config.norm_eps);
      add_child(name + ".downsample", *stage.downsample);
    }
    for (int64_t i = 0; i < config.depths[static_cast<size_t>(s)]; ++i) {
      stage.blocks.push_back(std::make_unique<SwinBlock>(block_config(config, s, i, of_all++)));
      add_child(name + ".blocks." + std::to_string(i), *stage.blocks.back());
    }
  }
  add_child("norm", norm_);
  if (config.num_classes > 0)
    add_child("head.fc", head_.emplace(config.width(config.stages() - 1), config.num_classes));
}

Tensor Swin::forward_features(const Tensor& images) {
  TESSERA_CHECK(images.rank() == 4 && images.size(1) == config_.img_size[0] && images.size(2) == config_.img_size[1] &&
                    images.size(3) == config_.in_chans,
                "swin: images must be (B, {}, {}, {}), but they are {}", config_.img_size[0], config_.img_size[1],
                config_.in_chans, to_string(images.shape()));
  Tensor x = patch_embed_.forward(images);  // (B, H·W, C)
  ops::tap("patch_embed", x);
  for (int64_t s = 0; s < config_.stages(); ++s) {
    const Stage& stage = stages_[static_cast<size_t>(s)];
    if (stage.downsample) {
      const auto [H, W] = config_.map(s - 1);
      x = stage.downsample->forward(x, H, W);  // (B, ⌈H/2⌉·⌈W/2⌉, 2·C): the new H and W, the new C
      ops::tap(stage.downsample->path(), x);
    }
    for (const auto& block : stage.blocks) {
      const auto forward = [&block = *block](const Tensor& tokens) { return block.forward(tokens); };
      x = recompute() ? ops::checkpoint(forward, x) : forward(x);  // (B, H·W, C)
      ops::tap(block->path(), x);
    }
  }
  x = norm_.forward(x);  // (B, H·W, D)
  ops::tap("features", x);
  return x;
}

Tensor Swin::forward_head(const Tensor& features) {
  Tensor x = ops::mean_tokens(features);  // (B, D)
  ops::tap("pooled", x);
  x = ops::dropout(x, static_cast<float>(config_.drop_rate), "head.drop");
  return head_ ? head_->forward(x) : x;  // (B, K)
}

PictureSize Swin::input() const { return {config_.img_size[0], config_.img_size[1], config_.in_chans}; }

std::string Swin::architecture() const { return describe("swin", config_); }

}  // namespace tessera::models
