#include "tessera/models/cct.h"

#include <algorithm>

#include "tessera/models/family.h"
#include "tessera/models/scalars.h"
#include "tessera/nn/positions.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/tokens.h"

namespace tessera::models {

namespace {

CompactBlockConfig block_config(const CctConfig& c, int64_t index) {
  // Stochastic depth grows linearly from 0 at the first block to the full rate at the last.
  const double last = static_cast<double>(std::max<int64_t>(c.depth - 1, 1));
  return {.attention = {.D = c.embed_dim,
                        .heads = c.num_heads,
                        .head_dim = c.embed_dim / c.num_heads,
                        .qkv_bias = false,
                        .attn_drop = c.attn_drop_rate,
                        .proj_drop = c.drop_rate},
          .hidden = c.mlp_hidden(),
          .norm_eps = c.norm_eps,
          .dropout = c.drop_rate,
          .drop_path = c.drop_path_rate * static_cast<double>(index) / last};
}

}  // namespace

Cct::Cct(const CctConfig& config)
    : config_(config), tokenizer_(config.tokens()), norm_(config.embed_dim, config.norm_eps) {
  const auto [rows, columns] = config.grid();
  const int64_t D = config.embed_dim, N = rows * columns + prefix();
  add_child("tokenizer", tokenizer_);
  if (!config.seq_pool) add_parameter("classifier.class_emb", class_token_, {1, 1, D}, nn::zeros());
  if (config.pos_embed == "learn")
    add_parameter("classifier.positional_emb", positions_, {1, N, D}, nn::trunc_normal(0.2));
  else if (config.pos_embed == "sine")
    positions_ = nn::sincos_1d(N, D).reshape({1, N, D});
  if (config.seq_pool) add_child("classifier.attention_pool", sequence_pool_.emplace(D));
  for (int64_t i = 0; i < config.depth; ++i) {
    blocks_.push_back(std::make_unique<CompactBlock>(block_config(config, i)));
    add_child("classifier.blocks." + std::to_string(i), *blocks_.back());
  }
  add_child("classifier.norm", norm_);
  if (config.num_classes > 0) add_child("classifier.fc", head_.emplace(D, config.num_classes));
}

Tensor Cct::forward_features(const Tensor& images) {
  TESSERA_CHECK(images.rank() == 4 && images.size(1) == config_.img_size[0] && images.size(2) == config_.img_size[1] &&
                    images.size(3) == config_.in_chans,
                "cct: images must be (B, {}, {}, {}), but they are {}", config_.img_size[0], config_.img_size[1],
                config_.in_chans, to_string(images.shape()));
  Tensor x = tokenizer_.forward(images);  // (B, H, W, C) -> (B, N, D)
  ops::tap("tokens", x);
  if (class_token_) x = ops::concat_tokens({class_token_, x});  // (B, 1 + N, D)
  if (positions_) x = ops::add_positions(x, positions_);
  ops::tap("pos_added", x);
  x = ops::dropout(x, static_cast<float>(config_.drop_rate), "classifier.dropout");
  for (const auto& block : blocks_) {
    const auto forward = [&block = *block](const Tensor& tokens) { return block.forward(tokens); };
    x = recompute() ? ops::checkpoint(forward, x) : forward(x);
    ops::tap(block->path(), x);
  }
  x = norm_.forward(x);
  ops::tap("features", x);
  return x;
}

Tensor Cct::forward_head(const Tensor& features) {
  const Tensor x = sequence_pool_ ? sequence_pool_->forward(features) : ops::take_token(features, 0);  // (B, D)
  ops::tap("pooled", x);
  return head_ ? head_->forward(x) : x;  // (B, K)
}

std::string Cct::architecture() const { return describe("cct", config_); }

std::vector<ShapeStep> Cct::shapes() {
  const int64_t D = config_.embed_dim, hidden = config_.mlp_hidden();
  const auto [rows, columns] = config_.grid();
  const int64_t N = rows * columns + prefix();
  const auto count = [this](const std::string& start) { return scalars_below(*this, start); };
  std::vector<ShapeStep> steps = {{"input", {config_.img_size[0], config_.img_size[1], config_.in_chans}}};
  kernels::Extent2d size = {config_.img_size[0], config_.img_size[1]};
  TokenizerConfig one = config_.tokens();
  one.layers = 1;
  for (const auto& conv : tokenizer_.convolutions()) {
    const kernels::Extent2d out = kernels::windows_in(size.h, size.w,
                                                      {.kernel = {one.conv.kernel, one.conv.kernel},
                                                       .stride = conv->options().stride,
                                                       .padding = conv->options().padding});
    size = one.grid(size);
    steps.push_back(
        {conv->path(), {size.h, size.w, conv->weight().size(0)}, count(conv->path()), conv->macs(out.h, out.w)});
  }
  steps.push_back({"tokens and positions", {N, D}, count("classifier.class_emb") + count("classifier.positional_emb")});
  for (const auto& block : blocks_) {
    const std::string at = block->path();
    const int64_t attention = count(at + ".pre_norm.") + count(at + ".self_attn."), all = count(at + ".");
    steps.push_back({at + ".self_attn", {N, D}, attention, 4 * N * D * D + 2 * N * N * D});
    steps.push_back({at + ".mlp", {N, D}, all - attention, 2 * N * D * hidden});
  }
  steps.push_back({"classifier.norm", {N, D}, count("classifier.norm.")});
  steps.push_back({"pool", {D}, count("classifier.attention_pool."), sequence_pool_ ? 2 * N * D : 0});
  const int64_t K = config_.num_classes;
  if (head_) steps.push_back({"classifier.fc", {K}, count("classifier.fc."), D * K});
  return steps;
}

std::vector<Product> Cct::products() const {
  std::vector<Product> products;
  for (const auto& block : blocks_) {
    products.push_back({block->path("self_attn.qkv.weight"), block->path("pre_norm")});
    products.push_back({block->path("self_attn.proj.weight"), ""});
    products.push_back({block->path("linear1.weight"), ""});  // the norm's output is the residual too
    products.push_back({block->path("linear2.weight"), ""});
  }
  if (head_) products.push_back({"classifier.fc.weight", ""});
  return products;
}

int64_t Cct::layer_of(const std::string& parameter) const {
  const std::string blocks = "classifier.blocks.";
  if (parameter.starts_with(blocks)) return 1 + std::stoll(parameter.substr(blocks.size()));
  if (parameter.starts_with("classifier.norm.")) return config_.depth;
  if (parameter.starts_with("classifier.attention_pool.") || parameter.starts_with("classifier.fc."))
    return config_.depth + 1;
  return 0;
}

bool Cct::no_weight_decay(const std::string& parameter) const {
  return parameter == "classifier.positional_emb" || parameter == "classifier.class_emb";
}

std::optional<Spatial> Cct::spatial(const std::string& parameter) const {
  const auto [rows, columns] = config_.grid();
  if (parameter == "classifier.positional_emb") return Spatial{Spatial::Kind::positions, rows, columns, prefix()};
  if (parameter == "tokenizer.conv_layers.0.0.weight")
    return Spatial{Spatial::Kind::patches, config_.kernel_size, config_.kernel_size};
  return std::nullopt;
}

std::vector<std::string> Cct::head_parameters() const {
  if (!head_) return {};
  return {"classifier.fc.weight", "classifier.fc.bias"};
}

}  // namespace tessera::models
