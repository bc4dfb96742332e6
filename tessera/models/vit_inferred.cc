// The Vision Transformer's architecture out of the shapes of its parameters.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/error.h"
#include "tessera/models/vit.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *kRoot = "patch_embed.backbone.stem.conv.weight", *kRootAlone = "patch_embed.backbone.conv.weight";

int64_t root(int64_t n) {
  const auto r = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(n))));
  return r * r == n ? r : 0;  // 0: no square
}

// The shapes, and what is told of them so far.
struct Inference {
  const Shapes& shapes;
  const Json& known;
  Json keys = {{"family", "vit"}};
  int64_t reduction = 1;  // pixels of the picture for one of what patches are cut from, along each axis
  std::vector<std::string> unknown = {}, assumed = {};

  bool has(const std::string& name) const { return shapes.count(name) > 0; }
  int64_t extent(const std::string& name, int64_t axis) const {
    const Shape& shape = shapes.at(name);
    TESSERA_CHECK(axis < shape.rank(), "the tensor '{}' is {}, which has no axis {}", name, to_string(shape), axis);
    return shape[axis];
  }
  int64_t numel(const std::string& name) const { return has(name) ? shapes.at(name).numel() : 0; }

  void tell_encoder();
  void tell_patches();
  void tell_backbone(const std::string& root);
  int64_t units_of(const std::string& stage) const;
  int64_t tell_depth();
  void tell_mlp(int64_t D);
  void tell_heads(int64_t D);
  void tell_tokens(int64_t D);
  void tell_grid(int64_t D, int64_t prefix);
  void tell_head();
  void put_grid(int64_t height, int64_t width);
};

void Inference::tell_patches() {
  const Shape& patch = shapes.at("patch_embed.proj.weight");
  TESSERA_CHECK(patch.rank() == 4, "the tensor 'patch_embed.proj.weight' is {}, but it must be (D, C, height, width)",
                to_string(patch));
  keys["embed_dim"] = patch[0];
  keys["in_chans"] = patch[1];
  keys["patch_size"] = {patch[2], patch[3]};
  keys["patch_bias"] = has("patch_embed.proj.bias");
  if (has("patch_embed.norm1.weight")) keys["patch_norm"] = true;
  for (const std::string root : {kRoot, kRootAlone})
    if (has(root)) tell_backbone(root);
}

// Stages and their units are numbered without gaps.
int64_t Inference::units_of(const std::string& stage) const {
  int64_t units = 0;
  while (has(fmt::format("{}.blocks.{}.conv3.weight", stage, units))) ++units;
  return units;
}

// A hybrid's network, whose root's weights have this name.
void Inference::tell_backbone(const std::string& root) {
  keys["backbone"] = "resnetv2";
  keys["backbone_stem"] = extent(root, 0);
  keys["in_chans"] = extent(root, 1);
  keys["backbone_layers"] = keys["backbone_channels"] = Json::array();
  for (int64_t i = 0;; ++i) {
    const std::string stage = fmt::format("patch_embed.backbone.stages.{}", i);
    const int64_t units = units_of(stage);
    if (units == 0) break;
    TESSERA_CHECK(i < 8, "it holds {}.blocks, but a hybrid has 8 stages at the most", stage);
    keys["backbone_layers"].push_back(units);
    keys["backbone_channels"].push_back(extent(stage + ".blocks.0.conv3.weight", 0));
    if (i > 0) reduction *= 2;
  }
  reduction *= 4;  // of the root
}

void Inference::tell_encoder() {
  tell_patches();
  const int64_t D = keys["embed_dim"].get<int64_t>();
  const int64_t depth = tell_depth();
  keys["depth"] = depth;
  keys["pre_norm"] = has("norm_pre.weight");
  if (depth > 0) {
    keys["qkv_bias"] = has("blocks.0.attn.qkv.bias");
    // Without the queries' either; where only this one is missing, it is missing.
    keys["attn_proj_bias"] = has("blocks.0.attn.proj.bias") || has("blocks.0.attn.qkv.bias");
    keys["qk_norm"] = has("blocks.0.attn.q_norm.weight");
    if (has("blocks.0.ls1.gamma")) keys["init_values"] = 1e-5;
    tell_mlp(D);
    tell_heads(D);
  }
  tell_tokens(D);
  tell_head();
}

// Blocks are numbered without gaps, and all alike.
int64_t Inference::tell_depth() {
  constexpr int64_t kMost = 4096;
  int64_t depth = 0;
  std::string last;
  for (const auto& [name, shape] : shapes) {
    if (name.rfind("blocks.", 0) != 0) continue;
    int64_t block = 0;
    const auto [end, error] = std::from_chars(name.data() + 7, name.data() + name.size(), block);
    TESSERA_CHECK(error != std::errc::result_out_of_range && block < kMost,
                  "the tensor '{}' is of a block beyond the {} that a model may have", name, kMost);
    if (error != std::errc() || block < depth) continue;
    depth = block + 1;
    last = name;
  }
  const std::string first = "blocks.0.attn.qkv.weight";
  for (int64_t i = 0; i < depth; ++i) {
    const std::string qkv = fmt::format("blocks.{}.attn.qkv.weight", i);
    TESSERA_CHECK(has(qkv), "it holds the tensor '{}', but there is no '{}'; blocks begin at 0 and leave no gap", last,
                  qkv);
    TESSERA_CHECK(shapes.at(qkv) == shapes.at(first), "the tensor '{}' is {}, but '{}' is {}", qkv,
                  to_string(shapes.at(qkv)), first, to_string(shapes.at(first)));
  }
  return depth;
}

void Inference::tell_mlp(int64_t D) {
  if (!has("blocks.0.mlp.fc2.weight")) return;
  const std::string fc2 = "blocks.0.mlp.fc2.weight", fc1 = "blocks.0.mlp.fc1.weight";
  int64_t hidden = extent(fc2, 1);
  if (has("blocks.0.mlp.fc1_g.weight")) {
    keys["mlp_layer"] = "swiglu";
  } else if (has(fc1) && extent(fc1, 0) == 2 * hidden) {
    keys["mlp_layer"] = "swiglu_packed";
    hidden *= 2;
  }
  keys["mlp_ratio"] = mlp_ratio(D, hidden);
}

void Inference::tell_heads(int64_t D) {
  const int64_t inner = extent("blocks.0.attn.qkv.weight", 0) / 3;
  int64_t heads = known.value("num_heads", int64_t{0});
  const std::string table = "blocks.0.attn.rel_pos.relative_position_bias_table", own = "blocks.0.attn.rel_pos.mlp.fc",
                    shared = "shared_rel_pos.mlp.fc";
  if (has(table)) {
    keys["rel_pos_type"] = "bias";
    heads = extent(table, 1);
  }
  for (const std::string& mlp : {own, shared}) {
    if (!has(mlp + "1.weight") || !has(mlp + "2.weight")) continue;
    keys["rel_pos_type"] = "mlp";
    keys["rel_pos_dim"] = extent(mlp + "1.weight", 0);
    heads = extent(mlp + "2.weight", 0);
    if (mlp == shared) keys["shared_rel_pos"] = true;
  }
  if (has("blocks.0.attn.q_norm.weight"))
    heads = inner / std::max<int64_t>(extent("blocks.0.attn.q_norm.weight", 0), 1);
  if (heads == 0) {
    unknown.push_back("num_heads");
    return;
  }
  keys["num_heads"] = heads;
  if (inner != D) keys["head_dim"] = inner / heads;
}

void Inference::put_grid(int64_t height, int64_t width) {
  keys["img_size"] = {height * reduction * keys["patch_size"][0].get<int64_t>(),
                      width * reduction * keys["patch_size"][1].get<int64_t>()};
}

void Inference::tell_tokens(int64_t D) {
  keys["class_token"] = has("cls_token");
  if (has("reg_token")) keys["reg_tokens"] = numel("reg_token") / D;
  if (has("dist_token")) keys["distilled"] = true;
  const int64_t prefix = (has("cls_token") ? 1 : 0) + numel("reg_token") / D + (has("dist_token") ? 1 : 0);
  tell_grid(D, prefix);
}

void Inference::tell_grid(int64_t D, int64_t prefix) {
  if (has("pos_embed.row") && has("pos_embed.col")) {
    keys["pos_embed"] = "learn_2d";
    return put_grid(extent("pos_embed.row", 0), extent("pos_embed.col", 0));
  }
  const std::string table = "blocks.0.attn.rel_pos.relative_position_bias_table";
  if (!has("pos_embed")) {
    if (!known.contains("pos_embed")) keys["pos_embed"] = "none";
    if (known.contains("img_size")) return;
    if (const int64_t side = has(table) ? root(extent(table, 0) - (prefix > 0 ? 3 : 0)) : 0; side % 2 == 1) {
      constexpr int64_t kLargest = 64;  // a small file could otherwise ask for tables of all pairs of very many patches
      TESSERA_CHECK(side < 2 * kLargest, "the tensor '{}' is {}, of more offsets than any model has", table,
                    to_string(shapes.at(table)));
      return put_grid((side + 1) / 2, (side + 1) / 2);
    }
    unknown.push_back("img_size");
    return;
  }
  const int64_t rows = numel("pos_embed") / D;
  const Json said = known.value("img_size", Json()), size = said.is_array() ? said : Json::array({said});
  if (!size.empty() && size.front().is_number_integer() && size.back().is_number_integer()) {
    const auto patches = [this](const Json& side, size_t axis) {
      const auto extent = side.get<int64_t>();
      return (extent / reduction + (extent % reduction > 0 ? 1 : 0)) / keys["patch_size"][axis].get<int64_t>();
    };
    const int64_t height = patches(size.front(), 0), width = patches(size.back(), 1);
    if (rows == height * width + prefix || (rows == height * width && prefix > 0)) {
      keys["no_embed_class"] = prefix > 0 && rows == height * width;
      return put_grid(height, width);
    }
  }
  // A grid is square unless somebody says otherwise.
  const int64_t side = rows > prefix ? root(rows - prefix) : 0;
  TESSERA_CHECK(side > 0 || root(rows) > 0,
                "the tensor 'pos_embed' has {} tokens, which are no square grid{}; say --set img_size=HEIGHT,WIDTH",
                rows, prefix > 0 ? fmt::format(" behind {} others", prefix) : "");
  keys["no_embed_class"] = side == 0;
  if (side == 0)
    assumed.push_back(fmt::format("pos_embed has {} tokens: taken for a square grid without the class token", rows));
  put_grid(side > 0 ? side : root(rows), side > 0 ? side : root(rows));
}

void Inference::tell_head() {
  const bool map = has("attn_pool.latent"), fc_norm = has("fc_norm.weight");
  if (!known.contains("global_pool")) {
    if (map) keys["global_pool"] = "map";
    if (!map && (fc_norm || !has("cls_token"))) keys["global_pool"] = "avg";
  }
  keys["fc_norm"] = fc_norm;
  keys["final_norm"] = fc_norm || has("norm.weight");
  if (has("pre_logits.fc.weight")) keys["representation_size"] = extent("pre_logits.fc.weight", 0);
  keys["num_classes"] = has("head.weight") ? extent("head.weight", 0) : 0;
}

}  // namespace

std::optional<Inferred> infer_vit(const Shapes& shapes, const std::string& known) {
  const auto is_block = [](const auto& entry) {
    return entry.first.rfind("blocks.", 0) == 0 && entry.first.find(".attn.qkv.weight") != std::string::npos;
  };
  if (!shapes.count("patch_embed.proj.weight") || std::none_of(shapes.begin(), shapes.end(), is_block))
    return std::nullopt;
  const auto is_backbone = [](const auto& entry) { return entry.first.rfind("patch_embed.backbone.", 0) == 0; };
  if (std::any_of(shapes.begin(), shapes.end(), is_backbone) && !shapes.count(kRoot) && !shapes.count(kRootAlone))
    return std::nullopt;  // a hybrid of another network
  const Json said = Json::parse(known);
  Inference inference{shapes, said};
  inference.tell_encoder();
  return Inferred{inference.keys.dump(), inference.unknown, inference.assumed};
}

}  // namespace tessera::models
