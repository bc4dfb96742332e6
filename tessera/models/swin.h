// The Swin Transformer: Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows" (ICCV
// 2021), https://arxiv.org/abs/2103.14030. Weights by these names: timm's swin_* (https://huggingface.co/timm), and,
// with patch merging named after the stage before, https://github.com/microsoft/Swin-Transformer; reference
// implementation: timm's SwinTransformer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/model.h"
#include "tessera/models/registry.h"
#include "tessera/models/swin_stage.h"
#include "tessera/nn/patch_embed.h"

namespace tessera::models {

// The keys of an architecture, named as timm's constructor names them where it has them. Defaults: Swin-T as in timm.
struct SwinConfig {
  std::vector<int64_t> img_size = {224, 224};  // height, width; one number: both
  std::vector<int64_t> patch_size = {4, 4};    // height, width; one number: both
  int64_t in_chans = 3;
  int64_t num_classes = 1000;
  int64_t embed_dim = 96;  // C, doubled by each stage but the first
  bool patch_norm = true;
  std::vector<int64_t> depths = {2, 2, 6, 2};  // blocks of each stage
  std::vector<int64_t> num_heads = {3, 6, 12, 24};
  int64_t head_dim = 0;  // d; 0: the stage's width / heads
  // M. One number; height, width; one for each of other than two stages; or height, width for each stage.
  std::vector<int64_t> window_size = {7};
  std::string edges = "timm";  // whose rules hold where windows do not divide a map
  double mlp_ratio = 4;
  bool qkv_bias = true;
  std::string act = "gelu_erf";
  double norm_eps = 1e-5;
  double drop_rate = 0, proj_drop_rate = 0, attn_drop_rate = 0, drop_path_rate = 0.1;

  struct Map {
    int64_t height, width;
    int64_t tokens() const { return height * width; }
  };
  int64_t stages() const { return static_cast<int64_t>(depths.size()); }
  int64_t blocks() const;                                            // of all stages
  int64_t width(int64_t stage) const { return embed_dim << stage; }  // of its tokens
  Map map(int64_t stage) const;                                      // of tokens that it works on
  bool has_windows() const;                                  // whether window_size is of a form that grid() knows
  ops::WindowGrid grid(int64_t stage, int64_t block) const;  // every second block is shifted
  int64_t head_width(int64_t stage) const;
  int64_t mlp_hidden(int64_t stage) const {
    return static_cast<int64_t>(static_cast<double>(width(stage)) * mlp_ratio);
  }

  void visit(Options& o);
  // Gives pictures and patches two sides and refuses what cannot be. A UsageError names the key.
  void complete(const Options& given);
};

class Swin : public Model {
 public:
  explicit Swin(const SwinConfig& config);

  Tensor forward_features(const Tensor& images) override;  // -> tokens of the last map (B, H·W, D)
  Tensor forward_head(const Tensor& features) override;

  PictureSize input() const override;
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override;
  std::vector<Product> products() const override;
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override { return config_.blocks() + 2; }
  bool no_weight_decay(const std::string& parameter) const override;
  std::optional<Spatial> spatial(const std::string& parameter) const override;
  std::vector<std::string> head_parameters() const override;

 private:
  struct Stage {
    std::unique_ptr<PatchMerging> downsample;  // from the stage before; none in the first
    std::vector<std::unique_ptr<SwinBlock>> blocks;
  };

  SwinConfig config_;
  nn::PatchEmbed patch_embed_;
  std::vector<Stage> stages_;
  nn::LayerNorm norm_;
  std::optional<nn::Linear> head_;
};

}  // namespace tessera::models
