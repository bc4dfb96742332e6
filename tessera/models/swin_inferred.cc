// The Swin Transformer's architecture out of the shapes of its parameters.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/error.h"
#include "tessera/models/swin.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

std::string block_name(int64_t stage, int64_t block) { return fmt::format("layers.{}.blocks.{}.", stage, block); }

constexpr const char *kQkv = "attn.qkv.weight", *kTable = "attn.relative_position_bias_table";

// The side of the square window whose offsets are so many; 0 where there is none.
int64_t side_of(int64_t offsets) {
  const auto span = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(offsets))));
  return span * span == offsets && span % 2 == 1 ? (span + 1) / 2 : 0;
}

// The shapes, and what is told of them so far.
struct Inference {
  const Shapes& shapes;
  const Json& known;
  Json keys = {{"family", "swin"}};
  std::vector<std::string> assumed = {};

  bool has(const std::string& name) const { return shapes.count(name) > 0; }
  int64_t extent(const std::string& name, int64_t axis) const {
    TESSERA_CHECK(has(name), "there is no tensor '{}'; the file is incomplete", name);
    const Shape& shape = shapes.at(name);
    TESSERA_CHECK(axis < shape.rank(), "the tensor '{}' is {}, which has no axis {}", name, to_string(shape), axis);
    return shape[axis];
  }

  void tell_patches();
  void tell_stages();
  void tell_mlp();
  void tell_windows();
  void tell_picture(int64_t first_window, int64_t last_window);
  SwinConfig config() const;
};

void Inference::tell_patches() {
  const Shape& patch = shapes.at("patch_embed.proj.weight");
  TESSERA_CHECK(patch.rank() == 4, "the tensor 'patch_embed.proj.weight' is {}, but it must be (D, C, height, width)",
                to_string(patch));
  keys["embed_dim"] = patch[0];
  keys["in_chans"] = patch[1];
  keys["patch_size"] = {patch[2], patch[3]};
  keys["patch_norm"] = has("patch_embed.norm.weight");
}

// Stages and their blocks are numbered without gaps.
void Inference::tell_stages() {
  constexpr int64_t kMost = 4096;
  keys["depths"] = keys["num_heads"] = Json::array();
  for (int64_t stage = 0; has(block_name(stage, 0) + kQkv) && stage < kMost; ++stage) {
    int64_t blocks = 0;
    while (blocks < kMost && has(block_name(stage, blocks) + kQkv)) ++blocks;
    keys["depths"].push_back(blocks);
    keys["num_heads"].push_back(extent(block_name(stage, 0) + kTable, 1));
  }
  const int64_t D = keys["embed_dim"].get<int64_t>(), heads = keys["num_heads"][0].get<int64_t>();
  const int64_t inner = extent(block_name(0, 0) + kQkv, 0) / 3;
  if (inner != D && heads > 0) keys["head_dim"] = inner / heads;
  keys["qkv_bias"] = has(block_name(0, 0) + "attn.qkv.bias");
  keys["num_classes"] = has("head.fc.weight") ? extent("head.fc.weight", 0) : 0;
}

void Inference::tell_mlp() {
  const int64_t D = keys["embed_dim"].get<int64_t>(), hidden = extent(block_name(0, 0) + "mlp.fc2.weight", 1);
  double ratio = static_cast<double>(hidden) / static_cast<double>(D);
  while (static_cast<int64_t>(static_cast<double>(D) * ratio) < hidden) ratio = std::nextafter(ratio, 1e9);
  keys["mlp_ratio"] = ratio;
}

SwinConfig Inference::config() const {
  SwinConfig config;
  Json all = keys;
  all.erase("family");
  all["edges"] = known.value("edges", "timm");
  Options options;
  config.visit(options);
  options.from_json(all.dump(), "the architecture");
  config.complete(options);
  return config;
}

// The window of each stage by its table. One that is smaller than the first stage's only because its map is has the
// first one's size.
void Inference::tell_windows() {
  std::vector<int64_t> windows;
  bool square = true;
  for (size_t stage = 0; stage < keys["depths"].size(); ++stage) {
    windows.push_back(side_of(extent(block_name(static_cast<int64_t>(stage), 0) + kTable, 0)));
    square = square && windows.back() > 0;
  }
  const bool said = known.contains("window_size");
  TESSERA_CHECK(said || windows.front() > 0,
                "the tensor '{}' is {}, of no square window; say --set window_size=HEIGHT,WIDTH",
                block_name(0, 0) + kTable, to_string(shapes.at(block_name(0, 0) + kTable)));
  tell_picture(windows.front(), windows.back());
  keys["window_size"] = said ? known["window_size"] : Json(windows.front());
  const SwinConfig made = config();
  const auto fits = [&](int64_t stage) {
    return made.grid(stage, 0).offsets() == extent(block_name(stage, 0) + kTable, 0);
  };
  bool all_fit = true;
  for (int64_t stage = 0; stage < made.stages(); ++stage) all_fit = all_fit && fits(stage);
  if (!all_fit && square)
    keys["window_size"] = windows.size() == 2 ? Json{windows[0], windows[0], windows[1], windows[1]} : Json(windows);
}

// By the masks of shifted windows that some files hold, or so that the last map is one window.
void Inference::tell_picture(int64_t first_window, int64_t last_window) {
  if (known.contains("img_size")) {
    keys["img_size"] = known["img_size"];
    return;
  }
  const auto side_of_map = [&] {
    const std::string mask = block_name(0, 1) + "attn_mask";
    const int64_t windows = has(mask) ? extent(mask, 0) : 0;
    const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(windows))));
    if (windows > 0 && side * side == windows && first_window > 0) return side * first_window;
    assumed.emplace_back(
        "nothing in the weights tells the size of the pictures: taken so that the last map is one window");
    return std::max<int64_t>(last_window, 1) << std::min<size_t>(keys["depths"].size() - 1, 12);
  };
  const int64_t side = side_of_map();
  keys["img_size"] = {side * keys["patch_size"][0].get<int64_t>(), side * keys["patch_size"][1].get<int64_t>()};
}

}  // namespace

std::optional<Inferred> infer_swin(const Shapes& shapes, const std::string& known) {
  if (!shapes.count("patch_embed.proj.weight") || !shapes.count(block_name(0, 0) + kQkv) ||
      !shapes.count(block_name(0, 0) + kTable))
    return std::nullopt;
  const Json said = Json::parse(known);
  Inference inference{shapes, said};
  inference.tell_patches();
  inference.tell_stages();
  inference.tell_mlp();
  inference.tell_windows();
  return Inferred{inference.keys.dump(), {}, inference.assumed};
}

}  // namespace tessera::models
