// The architecture of a Compact Transformer out of the shapes of its parameters.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/models/cct.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

// The shapes, and what is told of them so far.
struct Inference {
  const Shapes& shapes;
  const Json& known;
  Json keys = {{"family", "cct"}};
  std::vector<std::string> unknown = {}, assumed = {};

  bool has(const std::string& name) const { return shapes.count(name) > 0; }
  int64_t extent(const std::string& name, int axis, int rank) const {
    const Shape& shape = shapes.at(name);
    TESSERA_CHECK(shape.rank() == rank, "the tensor '{}' is {}, but it must have {} axes", name, to_string(shape),
                  rank);
    return shape[axis];
  }

  void tell_tokenizer();
  void tell_encoder();
  void tell_grid();
  CctConfig config(const Json& img_size) const;
};

void Inference::tell_tokenizer() {
  const auto conv = [](int64_t i) { return fmt::format("tokenizer.conv_layers.{}.0.weight", i); };
  int64_t layers = 0;
  while (has(conv(layers))) ++layers;
  const bool patches = has("tokenizer.conv_layers.0.0.bias");
  keys["tokenizer"] = patches ? "patch" : "conv";
  keys["in_chans"] = extent(conv(0), 1, 4);
  keys["kernel_size"] = extent(conv(0), 2, 4);
  keys["embed_dim"] = extent(conv(layers - 1), 0, 4);
  if (patches) return;
  keys["conv_layers"] = layers;
  if (layers > 1) keys["conv_width"] = extent(conv(0), 0, 4);
}

void Inference::tell_encoder() {
  const std::string fc1 = "classifier.blocks.{}.linear1.weight";
  int64_t depth = 0;
  while (has(fmt::format(fmt::runtime(fc1), depth))) ++depth;
  keys["depth"] = depth;
  keys["mlp_ratio"] = mlp_ratio(keys["embed_dim"], extent(fmt::format(fmt::runtime(fc1), 0), 0, 2));
  keys["seq_pool"] = !has("classifier.class_emb");
  keys["num_classes"] = has("classifier.fc.weight") ? extent("classifier.fc.weight", 0, 2) : 0;
  if (!known.contains("num_heads")) unknown.push_back("num_heads");
}

// What is told so far, with the tokenizer's keys that shapes do not tell.
CctConfig Inference::config(const Json& img_size) const {
  Json told = keys;
  told.erase("family");
  for (const char* key : {"stride", "padding", "pool_size", "pool_stride", "pool_padding"})
    if (known.contains(key)) told[key] = known[key];
  told["img_size"] = img_size;
  told["num_heads"] = 1;
  CctConfig config;
  Options options;
  config.visit(options);
  options.from_json(told.dump(), "the architecture");
  config.complete(options);
  return config;
}

// The pictures that somebody said, if they have so many tokens. Otherwise the smallest of which the tokens are so many,
// in a square, that no pixel is left over.
void Inference::tell_grid() {
  const std::string positions = "classifier.positional_emb";
  if (!has(positions)) {
    if (!known.contains("pos_embed")) keys["pos_embed"] = "none";
    if (!known.contains("img_size")) unknown.push_back("img_size");
    return;
  }
  keys["pos_embed"] = "learn";
  const int64_t tokens = extent(positions, 1, 3) - (keys["seq_pool"].get<bool>() ? 0 : 1);
  if (known.contains("img_size")) {
    const auto [rows, columns] = config(known["img_size"]).grid();
    if (rows * columns == tokens) {
      keys["img_size"] = known["img_size"];
      return;
    }
  }
  const auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(tokens))));
  TESSERA_CHECK(tokens > 0 && side * side == tokens,
                "the tensor '{}' has {} tokens, which are no square grid; say --set img_size=HEIGHT,WIDTH", positions,
                tokens);
  const CctConfig large = config(16384);
  int64_t reduction = 1;
  for (int64_t i = 0; i < large.conv_layers; ++i)
    reduction *= large.stride * (large.tokens().follows ? large.pool_stride : 1);
  keys["img_size"] = side * reduction;
}

}  // namespace

std::optional<Inferred> infer_cct(const Shapes& shapes, const std::string& known) {
  if (!shapes.count("tokenizer.conv_layers.0.0.weight") || !shapes.count("classifier.blocks.0.linear1.weight"))
    return std::nullopt;
  const Json said = Json::parse(known);
  Inference inference{shapes, said};
  inference.tell_tokenizer();
  inference.tell_encoder();
  inference.tell_grid();
  return Inferred{inference.keys.dump(), inference.unknown, inference.assumed};
}

}  // namespace tessera::models
