// Google's JAX code: https://github.com/google-research/vision_transformer (npz files, names of Flax before linen) and
// https://github.com/google-research/big_vision (names of today's Flax, "params/", positions without the class token).
#include <algorithm>

#include "tessera/weights/origin.h"

namespace tessera::weights {
namespace {

// Blocks that jax.lax.scan has stacked on the first axis, "Transformer/encoderblock/…", one by one.
void unstack(formats::NamedArrays& arrays) {
  const std::string stacked = "Transformer/encoderblock/";
  formats::NamedArrays result;
  for (auto& [name, array] : arrays) {
    const size_t at = name.find(stacked);
    const int64_t depth = at == std::string::npos || array.shape.rank() < 2 ? 0 : array.shape[0];
    if (depth < 1 || depth > 4096) {
      result.emplace_back(name, array);
      continue;
    }
    const auto& extents = array.shape.extents();
    const size_t bytes = array.bytes.size() / static_cast<size_t>(depth);
    for (int64_t i = 0; i < depth; ++i) {
      formats::Array block = array;
      block.shape = Shape(std::vector<int64_t>(extents.begin() + 1, extents.end()));
      block.bytes = array.bytes.subspan(static_cast<size_t>(i) * bytes, bytes);
      std::string own = name;
      own.replace(at, stacked.size(), "Transformer/encoderblock_" + std::to_string(i) + "/");
      result.emplace_back(own, block);
    }
  }
  arrays = std::move(result);
}

// Rules of attention and MLP below `from`, whose Flax modules bear these indices.
void add_block(std::vector<Rule>& rules, const std::string& from, const std::string& to, const char* attention,
               const char* norm2, const char* mlp, bool old) {
  const auto add = [&](const std::string& name, const std::string& parameter, const char* rearrange, int part = 0,
                       int of = 1) {
    rules.push_back(
        {.from = from + name, .to = to + parameter, .rearrange = rearrange, .part = {part, of}, .old = old});
  };
  const std::string heads = std::string(attention) + "/";
  int part = 0;
  for (const char* name : {"query", "key", "value"}) {
    add(heads + name + "/kernel", "attn.qkv.weight", "D h d -> (h d) D", part, 3);
    add(heads + name + "/bias", "attn.qkv.bias", "h d -> (h d)", part++, 3);
  }
  add(heads + "out/kernel", "attn.proj.weight", "h d D -> D (h d)");
  add(heads + "out/bias", "attn.proj.bias", "");
  add(std::string(norm2) + "/scale", "norm2.weight", "");
  add(std::string(norm2) + "/bias", "norm2.bias", "");
  for (const char* layer : {"0", "1"}) {
    const std::string dense = std::string(mlp) + "/Dense_" + layer, fc = layer[0] == '0' ? "mlp.fc1" : "mlp.fc2";
    add(dense + "/kernel", fc + ".weight", "i o -> o i");
    add(dense + "/bias", fc + ".bias", "");
  }
}

// Of a hybrid's residual network. Where that is the root alone, timm's names of it are shorter.
void add_backbone(std::vector<Rule>& rules) {
  const std::string ours = "patch_embed.backbone.", stage = "block1/unit1/conv1/kernel";
  const auto add_layer = [&](const std::string& conv, const std::string& norm, const std::string& to_conv,
                             const std::string& to_norm, const std::string& with, const std::string& without) {
    const auto add = [&](const std::string& from, const std::string& to, const char* rearrange) {
      rules.push_back({.from = from, .to = ours + to, .rearrange = rearrange, .with = with, .without = without});
    };
    add(conv + "/kernel", to_conv + ".weight", "y x i o -> o i y x");
    add(norm + "/scale", to_norm + ".weight", "");  // (1, 1, 1, C) in older files, whose ones nobody minds
    add(norm + "/bias", to_norm + ".bias", "");
  };
  add_layer("conv_root", "gn_root", "stem.conv", "stem.norm", stage, "");
  add_layer("conv_root", "gn_root", "conv", "norm", "", stage);
  const std::string unit = "block{s+1}/unit{u+1}/", to = "stages.{s}.blocks.{u}.";
  add_layer(unit + "conv_proj", unit + "gn_proj", to + "downsample.conv", to + "downsample.norm", "", "");
  for (const std::string i : {"1", "2", "3"})
    add_layer(unit + "conv" + i, unit + "gn" + i, to + "conv" + i, to + "norm" + i, "", "");
}

}  // namespace

void register_jax(OriginRegistry& registry) {
  Origin jax;
  jax.about = "Google's JAX code: Transformer/encoderblock_0/MultiHeadDotProductAttention_1/query/kernel";
  jax.keys = {"Transformer/encoderblock_{i}/LayerNorm_0/scale", "Transformer/encoderblock/LayerNorm_0/scale"};
  jax.architecture = {{"act", "gelu_tanh"},  // flax.linen.gelu approximates unless told otherwise
                      {"backbone_norm_eps", "1e-06"},
                      {"weight_std", "deviation"},
                      {"weight_std_eps", "1e-05"}};
  jax.fixed = {{"pos_embed", "learn"}, {"no_embed_class", "false"}, {"norm_position", "pre"}, {"fc_norm", "false"},
               {"final_norm", "true"}, {"qkv_bias", "true"},        {"norm_eps", "1e-06"}};
  jax.positions = PositionResize::google_zoom;
  jax.patches = PatchResize::flexi_npz;
  jax.prepare = unstack;
  const std::string block = "Transformer/encoderblock_{i}/";
  jax.rules = {
      {"cls", "cls_token"},
      {"embedding/kernel", "patch_embed.proj.weight", "y x c D -> D c y x"},
      {"embedding/bias", "patch_embed.proj.bias"},
      {"Transformer/posembed_input/pos_embedding", "pos_embed"},
      {.from = "pos_embedding", .to = "pos_embed", .old = true},
      {block + "LayerNorm_0/scale", "blocks.{i}.norm1.weight"},
      {block + "LayerNorm_0/bias", "blocks.{i}.norm1.bias"},
      {"Transformer/encoder_norm/scale", "norm.weight"},
      {"Transformer/encoder_norm/bias", "norm.bias"},
      {"pre_logits/kernel", "pre_logits.fc.weight", "i o -> o i"},
      {"pre_logits/bias", "pre_logits.fc.bias"},
      {"head/kernel", "head.weight", "i o -> o i"},
      {"head/bias", "head.bias"},
  };
  add_block(jax.rules, block, "blocks.{i}.", "MultiHeadDotProductAttention_1", "LayerNorm_2", "MlpBlock_3", false);
  add_block(jax.rules, block, "blocks.{i}.", "MultiHeadDotProductAttention_0", "LayerNorm_1", "MlpBlock_0", true);
  add_backbone(jax.rules);
  // big_vision's attention pooling.
  const std::string map = "MAPHead_0/", attention = map + "MultiHeadDotProductAttention_0/";
  jax.rules.push_back({map + "probe", "attn_pool.latent"});
  jax.rules.push_back({attention + "query/kernel", "attn_pool.q.weight", "D h d -> (h d) D"});
  jax.rules.push_back({attention + "query/bias", "attn_pool.q.bias", "h d -> (h d)"});
  int part = 0;
  for (const char* name : {"key/", "value/"}) {
    jax.rules.push_back({attention + name + "kernel", "attn_pool.kv.weight", "D h d -> (h d) D", {part, 2}});
    jax.rules.push_back({attention + name + "bias", "attn_pool.kv.bias", "h d -> (h d)", {part++, 2}});
  }
  jax.rules.push_back({attention + "out/kernel", "attn_pool.proj.weight", "h d D -> D (h d)"});
  jax.rules.push_back({attention + "out/bias", "attn_pool.proj.bias"});
  jax.rules.push_back({map + "LayerNorm_0/scale", "attn_pool.norm.weight"});
  jax.rules.push_back({map + "LayerNorm_0/bias", "attn_pool.norm.bias"});
  for (const auto& [dense, fc] : {std::pair{"Dense_0", "fc1"}, std::pair{"Dense_1", "fc2"}}) {
    jax.rules.push_back(
        {map + "MlpBlock_0/" + dense + "/kernel", std::string("attn_pool.mlp.") + fc + ".weight", "i o -> o i"});
    jax.rules.push_back({map + "MlpBlock_0/" + dense + "/bias", std::string("attn_pool.mlp.") + fc + ".bias"});
  }
  registry.add("jax", jax);
}

}  // namespace tessera::weights
