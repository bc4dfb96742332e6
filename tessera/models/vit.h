// The Vision Transformer: Dosovitskiy et al., "An Image is Worth 16x16 Words" (ICLR 2021),
// https://arxiv.org/abs/2010.11929. Weights by these names: timm's vit_* and deit_* (https://huggingface.co/timm);
// reference implementations: timm's VisionTransformer, VisionTransformerDistilled and VisionTransformerRelPos.
#pragma once

#include <optional>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/model.h"
#include "tessera/models/registry.h"
#include "tessera/nn/attention_pool.h"
#include "tessera/nn/block.h"
#include "tessera/nn/patch_embed.h"
#include "tessera/nn/positions.h"

namespace tessera::models {

// The keys of an architecture, named as timm's constructor names them where it has them. Defaults: ViT-B/16 as in timm.
struct VitConfig {
  std::vector<int64_t> img_size = {224, 224};  // height, width; one number: both
  std::vector<int64_t> patch_size = {16, 16};  // height, width; one number: both
  int64_t in_chans = 3;
  // A hybrid cuts its patches, of one pixel by default, from the output of a residual network (nn/resnetv2.h).
  std::string backbone = "none";
  std::vector<int64_t> backbone_layers = {};    // units of each stage; none: the root alone
  std::vector<int64_t> backbone_channels = {};  // that each stage gives; by default 4, 8, 16, … times the root's
  int64_t backbone_stem = 64;                   // channels of the root
  double backbone_norm_eps = 1e-5;              // of its group norms
  std::string weight_std = "variance";          // what weight standardisation adds its epsilon to
  double weight_std_eps = 1e-8;
  int64_t num_classes = 1000;
  int64_t embed_dim = 768;  // D
  int64_t depth = 12;       // L
  int64_t num_heads = 12;   // h
  int64_t head_dim = 0;     // d; 0: D / h
  double mlp_ratio = 4;     // hidden width of the MLP over D
  std::string mlp_layer = "mlp";
  bool qkv_bias = true;
  bool attn_proj_bias = true;
  bool patch_bias = true;   // false by default with pre_norm, as in CLIP
  bool patch_norm = false;  // norms before and behind the patch embedding's projection, as in lucidrains' ViT
  bool qk_norm = false;
  double init_values = 0;  // of layer scale; 0: none
  bool class_token = true;
  bool distilled = false;  // DeiT's distillation token behind the class token, with a head of its own
  int64_t reg_tokens = 0;
  bool no_embed_class = false;  // positions for the patches only
  std::string pos_embed = "learn";
  std::string rel_pos_type = "none";
  int64_t rel_pos_dim = 128;    // hidden width of the network of rel_pos_type mlp
  bool shared_rel_pos = false;  // one for all blocks
  std::string global_pool = "token";
  bool pool_include_prefix = false;  // avg and map over all tokens, not the patches alone
  bool fc_norm = false;              // the final norm after the pooling; by default where global_pool is avg
  bool final_norm = true;
  bool pre_norm = false;  // an extra norm before the blocks
  std::string norm_position = "pre";
  double norm_eps = 1e-6;
  std::string act = "gelu_erf";
  double pos_drop_rate = 0, attn_drop_rate = 0, proj_drop_rate = 0, mlp_drop_rate = 0, drop_path_rate = 0;
  int64_t representation_size = 0;  // hidden width of the paper's pre-training head; 0: one linear layer

  int64_t mlp_hidden() const { return static_cast<int64_t>(static_cast<double>(embed_dim) * mlp_ratio); }
  bool hybrid() const { return backbone != "none"; }
  nn::ResNetV2Config resnetv2() const;  // of a hybrid
  // Rows and columns of patches.
  int64_t grid_height() const { return features(img_size[0]) / patch_size[0]; }
  int64_t grid_width() const { return features(img_size[1]) / patch_size[1]; }
  // Pixels along one axis of what patches are cut from.
  int64_t features(int64_t extent) const { return hybrid() ? resnetv2().reduced(extent) : extent; }

  void visit(Options& o);
  // Fills in what depends on other keys and refuses what cannot be. A UsageError names the key.
  void complete(const Options& given);

 private:
  void complete_backbone(const Options& given);
};

class Vit : public Model {
 public:
  explicit Vit(const VitConfig& config);

  Tensor forward_features(const Tensor& images) override;
  Tensor forward_head(const Tensor& features) override;
  // Where the head reads the class token (and DeiT's second one), the last block works for it alone, unless somebody
  // listens to taps: 7 % less work for ViT-B. Same logits and gradients. (Dropout of the last block's probabilities,
  // where it is on, draws other numbers.)
  Tensor forward(const Tensor& images) override;
  TrainingOutput forward_training(const Tensor& images) override;

  PictureSize input() const override;
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override;
  std::vector<Product> products() const override;
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override { return config_.depth + 2; }
  bool no_weight_decay(const std::string& parameter) const override;
  std::optional<Spatial> spatial(const std::string& parameter) const override;
  std::vector<std::string> head_parameters() const override;

 private:
  Tensor encode(const Tensor& images, int64_t reach);
  Tensor embed_positions(const Tensor& patches) const;
  Tensor pool(const Tensor& tokens) const;
  TrainingOutput two_heads(const Tensor& features) const;
  int64_t reach() const;
  int64_t grid_height() const { return config_.grid_height(); }
  int64_t grid_width() const { return config_.grid_width(); }
  int64_t patches() const { return grid_height() * grid_width(); }
  int64_t prefix() const { return (config_.class_token ? 1 : 0) + (config_.distilled ? 1 : 0) + config_.reg_tokens; }
  int64_t tokens() const { return prefix() + patches(); }

  VitConfig config_;
  Tensor cls_token_;   // (1, 1, D)
  Tensor reg_token_;   // (1, R, D)
  Tensor pos_embed_;   // (1, N, D), or (1, patches, D) with no_embed_class or fixed positions
  Tensor dist_token_;  // (1, 1, D)
  std::optional<nn::RowColumnPositions> row_column_;
  nn::PatchEmbed patch_embed_;
  std::optional<nn::LayerNorm> norm_pre_;
  std::unique_ptr<nn::RelativePositions> shared_rel_pos_;
  std::vector<std::unique_ptr<nn::Block>> blocks_;
  std::optional<nn::LayerNorm> norm_;
  std::optional<nn::AttentionPool> attn_pool_;
  std::optional<nn::LayerNorm> fc_norm_;
  std::optional<nn::Linear> pre_logits_, head_, head_dist_;
};

}  // namespace tessera::models
