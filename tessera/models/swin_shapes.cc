// A picture's way through the Swin Transformer, with shapes, parameters and multiply-accumulates.
#include "tessera/models/scalars.h"
#include "tessera/models/swin.h"

namespace tessera::models {

// Eq. 2: of h·w tokens of width C in windows of M×M, attention takes 4hwC² for its four products with weights, and
// 2M²hwC for scores and sums. Where windows stick out of the map, their padding counts with the latter.
std::vector<ShapeStep> Swin::shapes() {
  const auto count = [this](const std::string& prefix) { return scalars_below(*this, prefix); };
  std::vector<ShapeStep> steps;
  steps.push_back({"input", {config_.img_size[0], config_.img_size[1], config_.in_chans}});
  const SwinConfig::Map first = config_.map(0);
  const int64_t patch = config_.patch_size[0] * config_.patch_size[1] * config_.in_chans;
  steps.push_back({"patch_embed",
                   {first.height, first.width, config_.embed_dim},
                   count("patch_embed."),
                   first.tokens() * patch * config_.embed_dim});
  for (int64_t s = 0; s < config_.stages(); ++s) {
    const Stage& stage = stages_[static_cast<size_t>(s)];
    const SwinConfig::Map map = config_.map(s);
    const int64_t C = config_.width(s), inner = config_.num_heads[static_cast<size_t>(s)] * config_.head_width(s);
    const Shape shape{map.height, map.width, C};
    if (stage.downsample) {
      const std::string name = stage.downsample->path();
      steps.push_back({name, shape, count(name + "."), map.tokens() * 4 * config_.width(s - 1) * C});
    }
    for (const auto& block : stage.blocks) {
      const std::string name = block->path();
      const ops::WindowGrid& grid = block->grid();
      const int64_t pairs = grid.windows() * grid.places() * grid.places();
      const int64_t attention = map.tokens() * C * 3 * inner + 2 * pairs * inner + map.tokens() * inner * C;
      steps.push_back({name + ".attn", shape, count(name + ".norm1.") + count(name + ".attn."), attention});
      steps.push_back({name + ".mlp", shape, count(name + ".norm2.") + count(name + ".mlp."),
                       map.tokens() * 2 * C * config_.mlp_hidden(s)});
    }
  }
  const int64_t last = config_.stages() - 1, D = config_.width(last), K = config_.num_classes;
  steps.push_back({"norm", {config_.map(last).height, config_.map(last).width, D}, count("norm.")});
  steps.push_back({"pool", {D}});
  if (head_) steps.push_back({"head", {K}, count("head."), D * K});
  return steps;
}

}  // namespace tessera::models
