// Hugging Face's Swin: https://github.com/huggingface/transformers/tree/main/src/transformers/models/swin
#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/weights/origins/huggingface_config.h"

namespace tessera::weights {
namespace {

using huggingface::Json, huggingface::Key;

const std::vector<Key>& keys() {
  static const std::vector<Key> keys = {{"embed_dim", "embed_dim", 96},
                                        {"depths", "depths", Json::array({2, 2, 6, 2})},
                                        {"num_heads", "num_heads", Json::array({3, 6, 12, 24})},
                                        {"window_size", "window_size", 7},
                                        {"image_size", "img_size", 224},
                                        {"patch_size", "patch_size", 4},
                                        {"num_channels", "in_chans", 3},
                                        {"mlp_ratio", "mlp_ratio", 4.0},
                                        {"layer_norm_eps", "norm_eps", 1e-5},
                                        {"qkv_bias", "qkv_bias", true}};
  return keys;
}

Config read_config(const std::string& text, const std::string& where) {
  const Json json = huggingface::parse(text, {"swin"}, where);
  TESSERA_CHECK(!json.value("use_absolute_embeddings", false),
                "{}: absolute position embeddings (use_absolute_embeddings) are what tessera's Swin does not have",
                where);
  return huggingface::read(json, keys(), where);
}

std::string write_config(const std::string& architecture, const std::vector<std::string>& classes) {
  const Json ours = Json::parse(architecture);
  const Json& windows = ours["window_size"];
  TESSERA_CHECK(std::all_of(windows.begin(), windows.end(), [&](const Json& w) { return w == windows[0]; }),
                "Hugging Face's Swin has one size of windows, not {}", windows.dump());
  Json theirs = {{"architectures", {"SwinForImageClassification"}}, {"model_type", "swin"}};
  theirs["hidden_size"] = ours["embed_dim"].get<int64_t>() << (ours["depths"].size() - 1);
  huggingface::write(theirs, ours, keys(), classes, "Swin");
  theirs["drop_path_rate"] = ours["drop_path_rate"];
  return theirs.dump(2) + "\n";
}

}  // namespace

void register_huggingface_swin(OriginRegistry& registry) {
  Origin hf;
  hf.about = "Hugging Face's Swin: swin.encoder.layers.0.blocks.0.attention.self.query.weight";
  hf.keys = {"encoder.layers.{s}.blocks.{b}.attention.self.query.weight",
             "encoder.layers.{s}.blocks.{b}.attention.q_proj.weight", "encoder.layers.{s}.blocks.{b}.mlp.fc1.weight"};
  hf.roots = {"swin."};
  hf.buffers = {"swin.encoder.layers.{s}.blocks.{b}.attention.self.relative_position_index",
                "swin.encoder.layers.{s}.blocks.{b}.attention.relative_position_bias.relative_position_index",
                "swin.embeddings.mask_token"};
  hf.architecture = {{"edges", "hf"}};
  hf.fixed = {{"patch_norm", "true"}, {"head_dim", "0"}};
  hf.read_config = read_config;
  hf.write_config = write_config;
  const std::string block = "swin.encoder.layers.{s}.blocks.{b}.", ours = "layers.{s}.blocks.{b}.";
  const auto old = [&](const std::string& from, const std::string& to, Part part = {}) {
    return Rule{.from = block + from, .to = ours + to, .part = part, .old = true};
  };
  hf.rules = {
      {"swin.embeddings.patch_embeddings.projection.{p}", "patch_embed.proj.{p}"},
      {"swin.embeddings.norm.{p}", "patch_embed.norm.{p}"},
      {block + "layernorm_before.{p}", ours + "norm1.{p}"},
      {block + "attention.self.relative_position_bias_table", ours + "attn.relative_position_bias_table"},
      {block + "attention.self.query.{p}", ours + "attn.qkv.{p}", "", {0, 3}},
      {block + "attention.self.key.{p}", ours + "attn.qkv.{p}", "", {1, 3}},
      {block + "attention.self.value.{p}", ours + "attn.qkv.{p}", "", {2, 3}},
      {block + "attention.output.dense.{p}", ours + "attn.proj.{p}"},
      {block + "layernorm_after.{p}", ours + "norm2.{p}"},
      {block + "intermediate.dense.{p}", ours + "mlp.fc1.{p}"},
      {block + "output.dense.{p}", ours + "mlp.fc2.{p}"},
      {"swin.layernorm.{p}", "norm.{p}"},
      {"classifier.{p}", "head.fc.{p}"},
      // As transformers 5 calls its modules.
      old("attention.relative_position_bias.relative_position_bias_table", "attn.relative_position_bias_table"),
      old("attention.q_proj.{p}", "attn.qkv.{p}", {0, 3}),
      old("attention.k_proj.{p}", "attn.qkv.{p}", {1, 3}),
      old("attention.v_proj.{p}", "attn.qkv.{p}", {2, 3}),
      old("attention.o_proj.{p}", "attn.proj.{p}"),
      old("mlp.{fc}.{p}", "mlp.{fc}.{p}"),
  };
  constexpr int kStages = 12;                    // as many as a model may have
  for (int stage = 0; stage < kStages; ++stage)  // theirs merges at its end, the next of ours at its start
    hf.rules.push_back({fmt::format("swin.encoder.layers.{}.downsample.{{n}}.{{p}}", stage),
                        fmt::format("layers.{}.downsample.{{n}}.{{p}}", stage + 1)});
  registry.add("hf-swin", hf);
}

}  // namespace tessera::weights
