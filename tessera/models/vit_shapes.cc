// A picture's way through the Vision Transformer, with shapes, parameters and multiply-accumulates.
#include "tessera/models/scalars.h"
#include "tessera/models/vit.h"

namespace tessera::models {

std::vector<ShapeStep> Vit::shapes() {
  const int64_t D = config_.embed_dim, P = patches(), N = tokens();
  const int64_t inner = config_.num_heads * config_.head_dim;
  const int64_t hidden = config_.mlp_hidden();
  // Weights of the MLP: in and out; SwiGLU's has two ways in, or half of the way out.
  const int64_t mlp = config_.mlp_layer == "swiglu"          ? 3 * D * hidden
                      : config_.mlp_layer == "swiglu_packed" ? D * hidden + hidden / 2 * D
                                                             : 2 * D * hidden;
  const auto count = [this](const std::string& prefix) { return scalars_below(*this, prefix); };

  std::vector<ShapeStep> steps;
  steps.push_back({"input", {config_.img_size[0], config_.img_size[1], config_.in_chans}});
  int64_t channels = config_.in_chans, in_backbone = 0;
  if (const nn::ResNetV2* backbone = patch_embed_.backbone()) {
    for (const auto& [name, shape, macs] : backbone->steps(config_.img_size[0], config_.img_size[1])) {
      const bool root_alone = config_.backbone_layers.empty();  // whose parameters have no name of its own
      const int64_t scalars = count(backbone->path() + "." + (root_alone ? "" : name + "."));
      steps.push_back({backbone->path(name), shape, scalars, macs});
      in_backbone += scalars;
      channels = shape[2];
    }
  }
  const int64_t patch = config_.patch_size[0] * config_.patch_size[1] * channels;
  steps.push_back(
      {"patch_embed", {grid_height(), grid_width(), D}, count("patch_embed.") - in_backbone, P * patch * D});
  steps.push_back({"flatten", {P, D}});
  steps.push_back({"tokens and positions",
                   {N, D},
                   count("cls_token") + count("dist_token") + count("reg_token") + count("pos_embed")});
  if (norm_pre_) steps.push_back({"norm_pre", {N, D}, count("norm_pre.")});
  if (shared_rel_pos_) steps.push_back({"shared_rel_pos", {config_.num_heads, N, N}, count("shared_rel_pos.")});
  for (int64_t i = 0; i < config_.depth; ++i) {
    const std::string block = blocks_[static_cast<size_t>(i)]->path();
    const int64_t attention = N * D * 3 * inner + 2 * N * N * inner + N * inner * D;
    steps.push_back({block + ".attn",
                     {N, D},
                     count(block + ".norm1.") + count(block + ".attn.") + count(block + ".ls1."),
                     attention});
    steps.push_back(
        {block + ".mlp", {N, D}, count(block + ".norm2.") + count(block + ".mlp.") + count(block + ".ls2."), N * mlp});
  }
  if (norm_) steps.push_back({"norm", {N, D}, count("norm.")});
  const bool pooling = config_.global_pool != "none";
  const int64_t rows = pooling ? 1 : N;
  const auto pooled = [&](int64_t K) { return pooling ? Shape{K} : Shape{N, K}; };
  if (attn_pool_) {
    const int64_t keys = config_.pool_include_prefix ? N : P;
    const int64_t macs = D * D + keys * 2 * D * D + 2 * keys * D + D * D + 2 * D * hidden;
    steps.push_back({"attn_pool", {D}, count("attn_pool."), macs});
  }
  const bool mean_or_token = pooling && !attn_pool_;
  if (mean_or_token || fc_norm_) steps.push_back({mean_or_token ? "pool" : "fc_norm", pooled(D), count("fc_norm.")});
  int64_t width = D;
  if (pre_logits_) {
    width = config_.representation_size;
    steps.push_back({"pre_logits", pooled(width), count("pre_logits."), rows * D * width});
  }
  const int64_t heads = config_.distilled ? 2 : 1, K = config_.num_classes;
  if (head_) steps.push_back({"head", pooled(K), count("head"), rows * heads * width * K});
  return steps;
}

}  // namespace tessera::models
