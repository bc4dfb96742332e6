// The Swin Transformer's keys and what follows from them.
#include <algorithm>
#include <numeric>

#include "tessera/models/family.h"
#include "tessera/models/swin.h"

namespace tessera::models {

std::optional<Inferred> infer_swin(const Shapes& shapes, const std::string& known);  // swin_inferred.cc

int64_t SwinConfig::blocks() const { return std::accumulate(depths.begin(), depths.end(), int64_t{0}); }

SwinConfig::Map SwinConfig::map(int64_t stage) const {
  Map map{img_size[0] / patch_size[0], img_size[1] / patch_size[1]};
  for (; stage > 0; --stage) map = {(map.height + 1) / 2, (map.width + 1) / 2};
  return map;
}

int64_t SwinConfig::head_width(int64_t stage) const {
  return head_dim > 0 ? head_dim : width(stage) / num_heads[static_cast<size_t>(stage)];
}

bool SwinConfig::has_windows() const {
  const size_t n = window_size.size();
  return n == 1 || n == 2 || n == depths.size() || n == 2 * depths.size();
}

ops::WindowGrid SwinConfig::grid(int64_t stage, int64_t block) const {
  const std::vector<int64_t>& w = window_size;
  const auto s = static_cast<size_t>(stage);
  ops::Extent2d window = w.size() == 1               ? ops::Extent2d{w[0], w[0]}
                         : w.size() == 2             ? ops::Extent2d{w[0], w[1]}
                         : w.size() == depths.size() ? ops::Extent2d{w[s], w[s]}
                                                     : ops::Extent2d{w[2 * s], w[2 * s + 1]};
  const auto [H, W] = map(stage);
  // Along an axis with one window there is nothing to shift; Hugging Face's code then shifts along neither.
  const bool one_row = H <= window.h, one_column = W <= window.w;
  const bool shifted = block % 2 == 1 && !(edges == "hf" && (one_row || one_column));
  const ops::Extent2d shift = {shifted && !one_row ? window.h / 2 : 0, shifted && !one_column ? window.w / 2 : 0};
  if (edges != "torchvision") window = {std::min(window.h, H), std::min(window.w, W)};
  return {.H = H, .W = W, .window = window, .shift = shift, .pad_first = edges != "timm"};
}

void SwinConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("patch_size", patch_size, "height and width of a patch in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes; 0: no head, the pooled features come out").at_least(0).at_most(10000000);
  o.section("Encoder");
  o("embed_dim", embed_dim, "width of the first stage's tokens (C); each stage doubles it").at_least(1).at_most(65536);
  o("patch_norm", patch_norm, "a norm behind the patch embedding");
  o("depths", depths, "blocks of each stage; every second one has shifted windows").at_least(1).at_most(4096);
  o("num_heads", num_heads, "attention heads of each stage (h)").at_least(1).at_most(4096);
  o("head_dim", head_dim, "width of a head (d); 0: the stage's width / heads").at_least(0).at_most(65536);
  o("window_size", window_size,
    "height and width of windows in tokens (M); one number for both; or one for each stage, or height and width for "
    "each")
      .at_least(1)
      .at_most(128);
  o("edges", edges,
    "whose rules hold where windows do not divide a map: timm rolls it, then pads it; torchvision and Hugging Face pad "
    "it, then roll it; a window larger than the map shrinks to it, with its table of positions, but not torchvision's")
      .one_of({"timm", "torchvision", "hf"});
  o("mlp_ratio", mlp_ratio, "hidden width of the MLP over that of the tokens").above(0).at_most(1000);
  o("act", act, "activation of the MLP").one_of({"gelu_erf", "gelu_tanh", "relu"});
  o("qkv_bias", qkv_bias, "biases of queries, keys and values");
  o("norm_eps", norm_eps, "epsilon of every LayerNorm").above(0);
  o.section("Regularisation");
  o("drop_rate", drop_rate, "dropout before the head").at_least(0).below(1);
  o("proj_drop_rate", proj_drop_rate, "dropout after the attention's projection and in the MLP").at_least(0).below(1);
  o("attn_drop_rate", attn_drop_rate, "dropout on the attention probabilities").at_least(0).below(1);
  o("drop_path_rate", drop_path_rate, "stochastic depth at the last block, growing linearly from 0")
      .at_least(0)
      .below(1);
}

void SwinConfig::complete(const Options& /*given*/) {
  for (std::vector<int64_t>* size : {&img_size, &patch_size}) {
    if (size->size() == 1) size->push_back(size->front());
  }
  if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
  if (patch_size.size() != 2) fail_usage("patch_size takes a height and a width, or one number for both");
  if (img_size[0] < patch_size[0] || img_size[1] < patch_size[1])
    fail_usage("patch_size {}x{} is larger than img_size {}x{}", patch_size[0], patch_size[1], img_size[0],
               img_size[1]);
  constexpr int64_t kMostStages = 12;
  if (depths.empty() || stages() > kMostStages)
    fail_usage("depths takes the blocks of 1 to {} stages, not of {}", kMostStages, stages());
  if (num_heads.size() != depths.size())
    fail_usage("num_heads takes a number for each of the {} stages of depths, not {}", depths.size(), num_heads.size());
  if (!has_windows())
    fail_usage("window_size takes one number, a height and a width, or either for each of the {} stages of depths",
               depths.size());
  for (int64_t s = 0; s < stages() && head_dim == 0; ++s) {
    const int64_t heads = num_heads[static_cast<size_t>(s)];
    if (width(s) % heads != 0)
      fail_usage("num_heads {} of stage {} does not divide its width {}; choose a divisor, or give head_dim", heads, s,
                 width(s));
  }
  if (mlp_hidden(0) < 1) fail_usage("mlp_ratio {} leaves the MLP nothing of embed_dim {}", mlp_ratio, embed_dim);
}

void register_swin_config(Registry& registry) {
  registry.families.add("swin", family_of<Swin, SwinConfig>("swin", "The Swin Transformer.", infer_swin));
}

}  // namespace tessera::models
