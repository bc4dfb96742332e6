// The Swin Transformer's architecture out of the shapes of its parameters.
#include <algorithm>
#include <cmath>
#include <limits>
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
  bool fits(const std::vector<int64_t>& window_size) const;
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
  keys["mlp_ratio"] = mlp_ratio(D, hidden);
}

// One number or a list of them, as options take either; nothing where it is no such thing.
std::vector<int64_t> numbers(const Json& value, int64_t most) {
  std::vector<int64_t> result;
  for (const Json& number : value.is_array() ? value : Json::array({value})) {
    if (!number.is_number_integer() || number < 1 || number > most) return {};
    result.push_back(number.get<int64_t>());
  }
  return result;
}

// Whether these windows, and the sizes that are told, make tables of the sizes that the file has.
bool Inference::fits(const std::vector<int64_t>& window_size) const {
  SwinConfig config;
  config.depths = numbers(keys["depths"], std::numeric_limits<int64_t>::max());
  config.patch_size = numbers(keys["patch_size"], std::numeric_limits<int64_t>::max());
  config.img_size = numbers(keys["img_size"], std::numeric_limits<int64_t>::max());
  config.window_size = window_size;
  config.edges = known.value("edges", config.edges);
  if (config.img_size.size() == 1) config.img_size.push_back(config.img_size.front());
  if (config.img_size.size() != 2 || config.patch_size.size() != 2 || !config.has_windows()) return false;
  for (int64_t stage = 0; stage < config.stages(); ++stage)
    if (config.grid(stage, 0).offsets() != extent(block_name(stage, 0) + kTable, 0)) return false;
  return true;
}

// As somebody says, or by the tables. A window that is smaller than the first stage's only because its map is, is the
// first one's.
void Inference::tell_windows() {
  std::vector<int64_t> sides;
  for (size_t stage = 0; stage < keys["depths"].size(); ++stage)
    sides.push_back(side_of(extent(block_name(static_cast<int64_t>(stage), 0) + kTable, 0)));
  tell_picture(sides.front(), sides.back());
  constexpr int64_t kMost = 128;
  const std::vector<int64_t> said = numbers(known.value("window_size", Json()), kMost);
  if (!said.empty() && fits(said)) {
    keys["window_size"] = said;
    return;
  }
  const std::string table = block_name(0, 0) + kTable;
  for (const int64_t side : sides)
    TESSERA_CHECK(side > 0 && side <= kMost, "the tensor '{}' is {}, of no square window{}", table,
                  to_string(shapes.at(table)), said.empty() ? "; say --set window_size=HEIGHT,WIDTH" : "");
  if (fits({sides.front()})) {
    keys["window_size"] = {sides.front()};
  } else if (sides.size() == 2) {  // two numbers would be a height and a width
    keys["window_size"] = {sides[0], sides[0], sides[1], sides[1]};
  } else {
    keys["window_size"] = sides;
  }
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
