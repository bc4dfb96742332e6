#include "tessera/models/vit.h"

#include <algorithm>
#include <cmath>

#include "tessera/ops/activation.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/tokens.h"

namespace tessera::models {

namespace {

nn::MlpConfig mlp_config(const VitConfig& c) {
  nn::MlpConfig mlp;
  mlp.D = c.embed_dim;
  mlp.hidden = c.mlp_hidden();
  mlp.layer = c.mlp_layer == "swiglu"          ? nn::MlpLayer::swiglu
              : c.mlp_layer == "swiglu_packed" ? nn::MlpLayer::swiglu_packed
                                               : nn::MlpLayer::mlp;
  mlp.activation = kernels::activation_named(c.act);
  mlp.dropout = c.mlp_drop_rate;
  return mlp;
}

nn::BlockConfig block_config(const VitConfig& c, int64_t index) {
  nn::BlockConfig block;
  block.attention = {.D = c.embed_dim,
                     .heads = c.num_heads,
                     .head_dim = c.head_dim,
                     .qkv_bias = c.qkv_bias,
                     .proj_bias = c.attn_proj_bias,
                     .qk_norm = c.qk_norm,
                     .norm_eps = c.norm_eps,
                     .attn_drop = c.attn_drop_rate,
                     .proj_drop = c.proj_drop_rate};
  block.mlp = mlp_config(c);
  block.post_norm = c.norm_position == "post";
  block.norm_eps = c.norm_eps;
  block.init_values = c.init_values;
  // Stochastic depth grows linearly from 0 at the first block to the full rate at the last.
  block.drop_path = c.depth > 1 ? c.drop_path_rate * static_cast<double>(index) / static_cast<double>(c.depth - 1) : 0;
  return block;
}

nn::PatchEmbedConfig patch_embed_config(const VitConfig& c) {
  nn::PatchEmbedConfig patches = {.channels = c.in_chans,
                                  .patch_height = c.patch_size[0],
                                  .patch_width = c.patch_size[1],
                                  .D = c.embed_dim,
                                  .bias = c.patch_bias,
                                  .norm = c.patch_norm,
                                  .norm_eps = c.norm_eps};
  if (c.hybrid()) patches.channels = patches.backbone.emplace(c.resnetv2()).out_channels();
  return patches;
}

}  // namespace

Vit::Vit(const VitConfig& config) : config_(config), patch_embed_(patch_embed_config(config)) {
  const int64_t D = config.embed_dim;
  if (config.class_token) add_parameter("cls_token", cls_token_, {1, 1, D}, nn::normal(1e-6));
  if (config.reg_tokens > 0) add_parameter("reg_token", reg_token_, {1, config.reg_tokens, D}, nn::normal(1e-6));
  if (config.pos_embed == "learn") {
    add_parameter("pos_embed", pos_embed_, {1, config.no_embed_class ? patches() : tokens(), D},
                  nn::trunc_normal(0.02));
  } else if (config.pos_embed == "learn_2d") {
    add_child("pos_embed", row_column_.emplace(grid_height(), grid_width(), D));
  } else if (config.pos_embed == "sincos_2d") {
    pos_embed_ = nn::sincos_2d(grid_height(), grid_width(), D, nn::Frequencies::closed);
  } else if (config.pos_embed == "sincos_2d_mae") {  // where the class token's are zeros
    pos_embed_ = nn::sincos_2d(grid_height(), grid_width(), D, nn::Frequencies::open);
  }
  if (config.distilled) add_parameter("dist_token", dist_token_, {1, 1, D}, nn::trunc_normal(0.02));
  add_child("patch_embed", patch_embed_);
  if (config.pre_norm) add_child("norm_pre", norm_pre_.emplace(D, config.norm_eps));
  std::optional<nn::RelativeConfig> relative;
  if (config.rel_pos_type != "none") {
    relative = {grid_height(), grid_width(), prefix(), config.rel_pos_type == "mlp" ? config.rel_pos_dim : 0};
    if (config.shared_rel_pos)
      add_child("shared_rel_pos", *(shared_rel_pos_ = nn::relative_positions(*relative, config.num_heads)));
  }
  for (int64_t i = 0; i < config.depth; ++i) {
    nn::BlockConfig block = block_config(config, i);
    if (!shared_rel_pos_) block.attention.relative = relative;
    block.attention.shared_relative = shared_rel_pos_.get();
    blocks_.push_back(std::make_unique<nn::Block>(block));
    add_child("blocks." + std::to_string(i), *blocks_.back());
  }
  if (config.final_norm && !config.fc_norm) add_child("norm", norm_.emplace(D, config.norm_eps));
  if (config.global_pool == "map") {
    nn::MlpConfig mlp = mlp_config(config);
    mlp.layer = nn::MlpLayer::mlp;
    mlp.dropout = 0;
    add_child("attn_pool", attn_pool_.emplace(config.num_heads, mlp, config.norm_eps));
  }
  if (config.final_norm && config.fc_norm) add_child("fc_norm", fc_norm_.emplace(D, config.norm_eps));
  int64_t width = D;
  if (config.representation_size > 0) {
    add_child("pre_logits.fc", pre_logits_.emplace(D, config.representation_size));
    width = config.representation_size;
  }
  if (config.num_classes > 0) add_child("head", head_.emplace(width, config.num_classes, true, nn::zeros()));
  if (head_ && config.distilled) add_child("head_dist", head_dist_.emplace(D, config.num_classes, true, nn::zeros()));
}

// patches (B, P, D) -> tokens (B, N, D): class token, distillation token, registers, patches, with their positions
Tensor Vit::embed_positions(const Tensor& patches) const {
  Tensor positions = pos_embed_;  // over all tokens, or over the patches alone
  if (row_column_) positions = row_column_->forward();
  const bool over_all = config_.pos_embed == "learn" && !config_.no_embed_class;
  std::vector<Tensor> parts;
  if (cls_token_) parts.push_back(cls_token_);
  if (dist_token_) parts.push_back(dist_token_);
  if (reg_token_) parts.push_back(reg_token_);
  Tensor x = patches;                                                // (B, P, D)
  if (positions && !over_all) x = ops::add_positions(x, positions);  // (B, P, D)
  if (!parts.empty()) {
    parts.push_back(x);
    x = ops::concat_tokens(parts);  // (B, N, D)
  }
  if (positions && over_all) x = ops::add_positions(x, positions);  // (B, N, D)
  return x;
}

// The first `reach` tokens after the last block and its norm; 0: all. images (B, H, W, C) -> (B, reach, D)
Tensor Vit::encode(const Tensor& images, int64_t reach) {
  TESSERA_CHECK(images.rank() == 4 && images.size(1) == config_.img_size[0] && images.size(2) == config_.img_size[1] &&
                    images.size(3) == config_.in_chans,
                "vit: images must be (B, {}, {}, {}), but they are {}", config_.img_size[0], config_.img_size[1],
                config_.in_chans, to_string(images.shape()));
  Tensor x = patch_embed_.forward(images);  // (B, P, D)
  ops::tap("patch_embed", x);
  x = embed_positions(x);  // (B, N, D)
  ops::tap("pos_added", x);
  x = ops::dropout(x, static_cast<float>(config_.pos_drop_rate), "pos_drop");
  if (norm_pre_) {
    x = norm_pre_->forward(x);
    ops::tap("norm_pre", x);
  }
  for (const auto& block : blocks_) {
    const auto forward = [&block = *block, r = block == blocks_.back() ? reach : 0](const Tensor& tokens) {
      return block.forward(tokens, r);
    };
    x = recompute() ? ops::checkpoint(forward, x) : forward(x);  // (B, N, D)
    ops::tap(block->path(), x);
  }
  if (norm_) x = norm_->forward(x);
  ops::tap("features", x);
  return x;
}

Tensor Vit::forward_features(const Tensor& images) { return encode(images, 0); }

// The tokens that the head reads, where these are the first; 0: all.
int64_t Vit::reach() const {
  if (config_.global_pool != "token" || ops::tapping()) return 0;
  return config_.distilled ? 2 : 1;
}

Tensor Vit::forward(const Tensor& images) { return forward_head(encode(images, reach())); }

Model::TrainingOutput Vit::forward_training(const Tensor& images) {
  if (!head_dist_) return {forward(images)};
  return two_heads(encode(images, reach()));
}

// tokens (B, N, D) -> what the head reads: (B, D), or all (B, N, D)
Tensor Vit::pool(const Tensor& tokens) const {
  if (config_.global_pool == "none") return tokens;                                    // (B, N, D)
  if (config_.distilled) return ops::mean_tokens(ops::slice_tokens(tokens, 0, 2), 0);  // (B, D), without heads alone
  if (config_.global_pool == "token") return ops::take_token(tokens, 0);               // (B, D)
  const int64_t first = config_.pool_include_prefix ? 0 : prefix();
  if (!attn_pool_) return ops::mean_tokens(tokens, first);                                        // (B, D)
  return attn_pool_->forward(first == 0 ? tokens : ops::slice_tokens(tokens, first, patches()));  // (B, D)
}

// DeiT, section 4: the class token's and the distillation token's classifiers have equal votes. tokens (B, N, D)
Model::TrainingOutput Vit::two_heads(const Tensor& features) const {
  const Shape one_of_two{features.size(0), 1, config_.num_classes};
  const Tensor by_class = head_->forward(ops::take_token(features, 0));         // (B, K)
  const Tensor by_teacher = head_dist_->forward(ops::take_token(features, 1));  // (B, K)
  ops::tap("logits_cls", by_class);
  ops::tap("logits_dist", by_teacher);
  const Tensor mean = ops::mean_tokens(  // (B, 2, K) -> (B, K)
      ops::concat_tokens({by_class.reshape(one_of_two), by_teacher.reshape(one_of_two)}), 0);
  TrainingOutput output{mean};
  output.heads = {by_class, by_teacher};
  return output;
}

Tensor Vit::forward_head(const Tensor& features) {
  if (head_dist_) return two_heads(features).logits;  // (B, K)
  Tensor x = pool(features);                          // (B, D)
  if (fc_norm_) x = fc_norm_->forward(x);
  ops::tap("pooled", x);
  if (pre_logits_) x = pre_logits_->forward(x, {.activation = kernels::Activation::tanh});  // (B, representation_size)
  return head_ ? head_->forward(x) : x;                                                     // (B, K)
}

PictureSize Vit::input() const { return {config_.img_size[0], config_.img_size[1], config_.in_chans}; }

std::string Vit::architecture() const {
  VitConfig config = config_;
  Options options;
  config.visit(options);
  return with_settings(options.to_json(), {{"family", "vit"}});
}

}  // namespace tessera::models
