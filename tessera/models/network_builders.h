// How layers that hold no others are built from a user's words.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tessera/models/network_kinds.h"

namespace tessera::models {

// The layer that is being built, and those behind it, which it may take along.
struct Cursor {
  const std::vector<LayerSpec>& specs;
  size_t at;
  NetworkBuild& build;

  const LayerSpec& spec() const { return specs[at]; }
  std::string index(size_t offset = 0) const { return std::to_string(at + offset); }
  const Shape& shape() const { return build.walk.shape(); }
  bool next_is(const char* name) const { return at + 1 < specs.size() && specs[at + 1].name == name; }

  [[noreturn]] void complain(const std::string& what) const { spec().complain(what); }
  // (H, W, C), (N, D) or (C)
  Shape map() const { return of_rank(3, "a map (height, width, channels)"); }
  Shape tokens() const { return of_rank(2, "tokens (N, D)"); }
  Shape of_rank(int rank, const char* what) const {
    if (shape().rank() != rank) complain(fmt::format("it takes {}, but {} comes", what, to_string(shape())));
    return shape();
  }
  // A width in numbers, or that of the classes. 0: the layer is to be left out.
  int64_t width(LayerWords& words) const {
    if (!words.has_value() || spec().values.front() != "classes") return words.number();
    words.value();
    build.asks_for_classes = true;
    return build.num_classes;
  }
};

// That the name stands for; `none` where it is no activation.
nn::Activation activation_of(const LayerSpec& spec);
// The activation behind the layer, which it takes along; `none` where there is none.
nn::Activation take_activation(Cursor& c);

// A layer that is a function (Tensor x, std::string path) -> Tensor, with a module of parameters or without.
template <class Run>
std::unique_ptr<Layer> function(const Cursor& c, Run run, std::unique_ptr<nn::Module> module = nullptr) {
  return std::make_unique<FunctionLayer<Run>>(c.index(), std::move(run), std::move(module));
}

// Each moves c.build.walk on, and c over what it takes along. Null: the layer is left out.
using BuildLayer = std::unique_ptr<Layer>(Cursor& c, LayerWords& words);
BuildLayer build_conv, build_depthwise, build_norm, build_layer_norm, build_max_pool, build_avg_pool, build_global_pool,
    build_flatten, build_linear, build_dropout, build_squeeze_excitation, build_tokens, build_positions,
    build_attention;
constexpr const char* kNormUsage = "bn [eps=1e-5] [momentum=0.1]";

}  // namespace tessera::models
