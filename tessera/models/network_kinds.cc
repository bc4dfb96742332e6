#include "tessera/models/network_kinds.h"

#include <fmt/format.h>

#include <utility>

#include "tessera/core/text.h"
#include "tessera/models/network_builders.h"
#include "tessera/ops/activation.h"

namespace tessera::models {
namespace {

using nn::Activation;

// A list of layers within another one; its names begin with `part` behind the layer's index.
std::unique_ptr<Sequence> inner(const Cursor& c, const std::vector<LayerSpec>& specs, const std::string& part) {
  const std::string before = std::exchange(c.build.path, c.build.path + "." + c.index() + "." + part);
  auto sequence = build_layers(specs, c.build);
  c.build.path = before;
  return sequence;
}

// "project": a 1x1 convolution and its norm where the shapes differ.
std::unique_ptr<Sequence> projection(const Cursor& c, const Shape& from, const Shape& to) {
  if (from == to) return nullptr;
  if (from.rank() != 3 || to.rank() != 3 || from[0] < to[0])
    c.complain(fmt::format("no convolution makes {} of {}", to_string(to), to_string(from)));
  const int64_t stride = (from[0] + to[0] - 1) / to[0];
  const std::string conv = fmt::format("conv {} 1x1 stride={} padding=0", to[2], stride);
  const auto specs = read_layers(fmt::format("[\"{}, bn\"]", conv), "{}");
  return inner(c, specs, "shortcut");
}

std::unique_ptr<Layer> build_residual(Cursor& c, LayerWords& words) {
  const std::string form = words.word("shortcut", "");
  const double drop_path = words.fraction("drop_path", 0);
  words.done();
  if (!form.empty() && form != "project") c.complain("shortcut is a list of layers, or \"project\"");
  const Shape from = c.shape();
  auto branch = inner(c, c.spec().lists.at("residual").front(), "residual");
  const Shape to = c.shape();
  c.build.walk.from(from);
  std::unique_ptr<Sequence> shortcut;
  if (const auto given = c.spec().lists.find("shortcut"); given != c.spec().lists.end())
    shortcut = inner(c, given->second.front(), "shortcut");
  else if (form == "project")
    shortcut = projection(c, from, to);
  if (c.shape() != to)
    c.complain(fmt::format("its layers give {}, but what is added to them is {}{}", to_string(to), to_string(c.shape()),
                           shortcut ? "" : "; say shortcut = \"project\", or give a list of layers"));
  const std::string index = c.index();
  return std::make_unique<ResidualLayer>(index, std::move(branch), std::move(shortcut), drop_path, take_activation(c));
}

std::unique_ptr<Layer> build_concat(Cursor& c, LayerWords& words) {
  words.done();
  const Shape from = c.shape();
  std::vector<std::unique_ptr<Sequence>> branches;
  std::vector<int64_t> result;
  int64_t channels = 0;
  for (const auto& specs : c.spec().lists.at("concat")) {
    c.build.walk.from(from);
    branches.push_back(inner(c, specs, "concat." + std::to_string(branches.size())));
    std::vector<int64_t> extents(c.shape().extents().begin(), c.shape().extents().end());
    channels += extents.back();
    extents.back() = 0;
    if (!result.empty() && extents != result)
      c.complain(fmt::format("its branches differ in more than channels: the last one gives {}", to_string(c.shape())));
    result = extents;
  }
  result.back() = channels;
  c.build.walk.from(Shape(result));
  return std::make_unique<ConcatLayer>(c.index(), std::move(branches));
}

std::unique_ptr<Layer> build_group(Cursor& c, LayerWords& words) {
  const int64_t copies = words.option("repeat", 1, 1);
  words.done();
  std::vector<std::unique_ptr<Sequence>> sequences;
  for (int64_t i = 0; i < copies; ++i)
    sequences.push_back(inner(c, c.spec().lists.at("layers").front(), std::to_string(i)));
  return std::make_unique<GroupLayer>(c.index(), std::move(sequences));
}

struct Kind {
  const char* usage;  // begins with the name
  const char* about;
  BuildLayer* build;
  std::string name() const { return split(usage, ' ').front(); }
};

constexpr Kind kKinds[] = {
    {"conv WIDTH KxK [stride=1] [padding=same] [groups=1] [bias=true]",
     "convolution; a bias unless bn follows; padding in pixels, or same: K - 1 in all", build_conv},
    {"depthwise KxK [stride=1] [padding=same] [bias=true]", "convolution of each channel by itself", build_depthwise},
    {kNormUsage, "batch normalisation", build_norm},
    {"layer_norm [eps=1e-5]", "layer normalisation of the channels of each pixel or token", build_layer_norm},
    {"max_pool KxK [stride=K] [padding=0]", "largest value of each window", build_max_pool},
    {"avg_pool KxK [stride=K] [padding=0]", "mean of each window", build_avg_pool},
    {"global_pool", "mean of all pixels or tokens", build_global_pool},
    {"flatten", "all values in one row, channel by channel as PyTorch has them", build_flatten},
    {"linear WIDTH [bias=true]", "linear layer, of a vector or of each token", build_linear},
    {"dropout P", "drops each value with this probability, in training", build_dropout},
    {"se REDUCTION [act=relu]", "squeeze and excitation: a factor for each channel", build_squeeze_excitation},
    {"tokens", "the pixels of a map as tokens", build_tokens},
    {"positions", "adds a learned position to each token", build_positions},
    {"attention HEADS", "multi-head self-attention of tokens", build_attention},
    {"residual = [layers] [shortcut = \"project\" or [layers]] [drop_path = 0]",
     "adds what comes in, or what the shortcut makes of it", build_residual},
    {"concat = [[layers], [layers]]", "channels of several branches, one behind the other", build_concat},
    {"layers = [layers] [repeat = 1]", "layers one after the other, and again", build_group}};

std::unique_ptr<Layer> build_layer(Cursor& c) {
  constexpr int64_t kMost = 10000;
  const LayerSpec& spec = c.spec();
  if (++c.build.layers > kMost) c.complain(fmt::format("there are more than {} layers", kMost));
  if (const Activation activation = activation_of(spec); activation != Activation::none) {
    LayerWords(spec, spec.name).done();
    return function(c, [activation](const Tensor& x, const std::string&) { return ops::activate(x, activation); });
  }
  std::vector<std::string> names = kernels::activation_names();
  for (const Kind& kind : kKinds) {
    names.push_back(kind.name());
    if (kind.name() != spec.name) continue;
    LayerWords words(spec, kind.usage);
    return kind.build(c, words);
  }
  c.complain(fmt::format("there is no layer '{}'{}", spec.name, did_you_mean(spec.name, names)));
}

}  // namespace

std::unique_ptr<Sequence> build_layers(const std::vector<LayerSpec>& specs, NetworkBuild& build, std::string index) {
  auto sequence = std::make_unique<Sequence>(std::move(index));
  for (Cursor cursor{specs, 0, build}; cursor.at < specs.size(); ++cursor.at) {
    const size_t first = cursor.at;
    std::unique_ptr<Layer> layer = build_layer(cursor);
    if (!layer) continue;
    std::vector<std::string> texts;
    for (size_t i = first; i <= cursor.at; ++i) texts.push_back(specs[i].text);
    build.walk.step(fmt::format("{}.{} {}", build.path, first, fmt::join(texts, ", ")));
    sequence->add(std::move(layer));
  }
  return sequence;
}

std::string layers_help() {
  std::string help = "Layers:\n";
  for (const Kind& kind : kKinds) help += fmt::format("  {}\n      {}\n", kind.usage, kind.about);
  return help + fmt::format("  {}\n      activations\n", fmt::join(kernels::activation_names(), ", "));
}

}  // namespace tessera::models
