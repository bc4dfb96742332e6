// Hugging Face's ViT and DeiT: https://github.com/huggingface/transformers/tree/main/src/transformers/models/vit
#include "tessera/core/error.h"
#include "tessera/weights/origins/huggingface_config.h"

namespace tessera::weights {
namespace {

using huggingface::Json, huggingface::Key;

const std::vector<Key>& keys() {
  static const std::vector<Key> keys = {{"hidden_size", "embed_dim", 768},        {"num_hidden_layers", "depth", 12},
                                        {"num_attention_heads", "num_heads", 12}, {"image_size", "img_size", 224},
                                        {"patch_size", "patch_size", 16},         {"num_channels", "in_chans", 3},
                                        {"layer_norm_eps", "norm_eps", 1e-12},    {"qkv_bias", "qkv_bias", true}};
  return keys;
}

Config read_config(const std::string& text, const std::string& where) {
  using huggingface::number;
  const Json json = huggingface::parse(text, {"vit", "deit"}, where);
  const int64_t width = number(json, "hidden_size", 768, where), heads = number(json, "num_attention_heads", 12, where);
  TESSERA_CHECK(width % heads == 0, "{}: num_attention_heads {} does not divide hidden_size {}", where, heads, width);
  Config config = huggingface::read(json, keys(), where);
  const double hidden = static_cast<double>(number(json, "intermediate_size", 3072, where));
  config.architecture.emplace_back("mlp_ratio", Json(hidden / static_cast<double>(width)).dump());
  config.called["mlp_ratio"] = "intermediate_size / hidden_size";
  return config;
}

std::string write_config(const std::string& architecture, const std::vector<std::string>& classes) {
  const Json ours = Json::parse(architecture);
  Json theirs = {{"architectures", {"ViTForImageClassification"}}, {"model_type", "vit"}};
  theirs["intermediate_size"] = static_cast<int64_t>(ours["embed_dim"].get<double>() * ours["mlp_ratio"].get<double>());
  huggingface::write(theirs, ours, keys(), classes, "ViT");
  return theirs.dump(2) + "\n";
}

// DeiT without its teacher has the distillation token and no head for it: a token like a register.
void prepare(formats::NamedArrays& arrays) {
  const auto ends_with = [](const std::string& name, const std::string& tail) {
    return name.size() >= tail.size() && name.compare(name.size() - tail.size(), tail.size(), tail) == 0;
  };
  for (const auto& [name, array] : arrays)
    if (name == "distillation_classifier.weight") return;
  for (auto& [name, array] : arrays)
    if (ends_with(name, "embeddings.distillation_token")) name.replace(name.size() - 18, 18, "register_tokens");
}

}  // namespace

void register_huggingface(OriginRegistry& registry) {
  Origin hf;
  hf.about = "Hugging Face's ViT and DeiT: vit.encoder.layer.0.attention.attention.query.weight";
  hf.keys = {"encoder.layer.{i}.attention.attention.query.weight", "layers.{i}.attention.q_proj.weight"};
  hf.roots = {"vit.", "deit."};
  hf.buffers = {"vit.pooler.dense.{p}", "vit.embeddings.mask_token"};  // not what ViTForImageClassification reads
  hf.architecture = {{"norm_eps", "1e-12"}};
  hf.fixed = {{"class_token", "true"},  {"global_pool", "token"}, {"pos_embed", "learn"}, {"no_embed_class", "false"},
              {"norm_position", "pre"}, {"fc_norm", "false"},     {"final_norm", "true"}};
  hf.positions = PositionResize::hf;
  hf.prepare = prepare;
  hf.read_config = read_config;
  hf.write_config = write_config;
  hf.needs_config = true;
  const std::string layer = "vit.encoder.layer.{i}.", renamed = "vit.layers.{i}.";
  const auto old = [](const std::string& from, const std::string& to, Part part = {}) {
    return Rule{.from = from, .to = to, .part = part, .old = true};
  };
  hf.rules = {
      {"vit.embeddings.cls_token", "cls_token"},
      old("vit.embeddings.distillation_token", "dist_token"),
      old("vit.embeddings.register_tokens", "reg_token"),
      {"vit.embeddings.position_embeddings", "pos_embed"},
      {"vit.embeddings.patch_embeddings.projection.{p}", "patch_embed.proj.{p}"},
      {layer + "layernorm_before.{p}", "blocks.{i}.norm1.{p}"},
      {layer + "attention.attention.query.{p}", "blocks.{i}.attn.qkv.{p}", "", {0, 3}},
      {layer + "attention.attention.key.{p}", "blocks.{i}.attn.qkv.{p}", "", {1, 3}},
      {layer + "attention.attention.value.{p}", "blocks.{i}.attn.qkv.{p}", "", {2, 3}},
      {layer + "attention.output.dense.{p}", "blocks.{i}.attn.proj.{p}"},
      {layer + "layernorm_after.{p}", "blocks.{i}.norm2.{p}"},
      {layer + "intermediate.dense.{p}", "blocks.{i}.mlp.fc1.{p}"},
      {layer + "output.dense.{p}", "blocks.{i}.mlp.fc2.{p}"},
      {"vit.layernorm.{p}", "norm.{p}"},
      {"classifier.{p}", "head.{p}"},
      old("cls_classifier.{p}", "head.{p}"),
      old("distillation_classifier.{p}", "head_dist.{p}"),
      // As transformers 5 calls its modules.
      old(renamed + "layernorm_before.{p}", "blocks.{i}.norm1.{p}"),
      old(renamed + "attention.q_proj.{p}", "blocks.{i}.attn.qkv.{p}", {0, 3}),
      old(renamed + "attention.k_proj.{p}", "blocks.{i}.attn.qkv.{p}", {1, 3}),
      old(renamed + "attention.v_proj.{p}", "blocks.{i}.attn.qkv.{p}", {2, 3}),
      old(renamed + "attention.o_proj.{p}", "blocks.{i}.attn.proj.{p}"),
      old(renamed + "layernorm_after.{p}", "blocks.{i}.norm2.{p}"),
      old(renamed + "mlp.{fc}.{p}", "blocks.{i}.mlp.{fc}.{p}"),
  };
  registry.add("hf", hf);
}

}  // namespace tessera::weights
