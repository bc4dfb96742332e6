#include "tessera/models/network_builders.h"

#include <fmt/format.h>

#include <algorithm>

#include "tessera/nn/inverted_residual.h"
#include "tessera/nn/layer_norm.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/flatten.h"

namespace tessera::models {

using nn::Activation;

Activation activation_of(const LayerSpec& spec) {
  return kernels::activation_named(spec.name == "gelu" ? "gelu_erf" : spec.name);
}

Activation take_activation(Cursor& c) {
  if (c.at + 1 >= c.specs.size()) return Activation::none;
  const Activation activation = activation_of(c.specs[c.at + 1]);
  if (activation == Activation::none) return activation;
  ++c.at;
  LayerWords(c.spec(), c.spec().name).done();
  return activation;
}

namespace {

nn::BatchNormConfig norm_config(const LayerSpec& spec) {
  LayerWords words(spec, kNormUsage);
  const nn::BatchNormConfig config = {.eps = words.positive("eps", 1e-5), .momentum = words.positive("momentum", 0.1)};
  words.done();
  return config;
}

// conv and depthwise: what stands behind their width.
std::unique_ptr<Layer> convolution(Cursor& c, LayerWords& words, int64_t out, bool depthwise) {
  const int64_t in = c.map()[2];
  const std::string index = c.index(), norm_index = c.next_is("bn") ? c.index(1) : c.index(2);
  ConvolutionConfig config = {.in = in, .out = out};
  config.conv.kernel = words.square();
  config.conv.stride = words.option("stride", 1, 1);
  config.conv.padding = nn::Conv2dConfig::kSame;
  if (words.word("padding", "same") != "same") config.conv.padding = words.option("padding", 0, 0);
  config.conv.groups = depthwise ? in : words.option("groups", 1, 1);
  config.conv.bias = words.choice("bias").value_or(!c.next_is("bn"));
  words.done();
  if (out == 0) return nullptr;
  if (in % config.conv.groups != 0 || out % config.conv.groups != 0)
    c.complain(fmt::format("{} groups do not divide {} and {} channels", config.conv.groups, in, out));
  const LayerSpec& spec = c.spec();
  if (c.next_is("bn")) {
    config.norm = norm_config(c.specs[++c.at]);
    config.activation = take_activation(c);
  } else if ((config.activation = take_activation(c)) != Activation::none && c.next_is("bn")) {
    config.norm = norm_config(c.specs[++c.at]);
    config.norm_last = true;
  }
  auto layer = std::make_unique<Convolution>(index, norm_index, config);
  const kernels::Window2d window = {.kernel = {config.conv.kernel, config.conv.kernel},
                                    .stride = layer->conv().options().stride,
                                    .padding = layer->conv().options().padding};
  const kernels::Extent2d result = kernels::windows_in(c.shape()[0], c.shape()[1], window);
  if (result.h <= 0 || result.w <= 0)
    spec.complain(fmt::format("no window fits into {}x{} pixels; make img_size larger", c.shape()[0], c.shape()[1]));
  c.build.walk.conv(layer->conv());
  if (config.norm) c.build.walk.layer(c.shape(), 2 * out, 0);
  return layer;
}

std::unique_ptr<Layer> pooling(Cursor& c, LayerWords& words, bool largest) {
  c.map();
  const int64_t kernel = words.square(), stride = words.option("stride", kernel, 1);
  const int64_t p = words.option("padding", 0, 0);
  words.done();
  if (p >= kernel) c.complain("padding must be less than the window");
  const ops::PoolOptions options = {.kernel = {kernel, kernel}, .stride = {stride, stride}, .padding = {p, p, p, p}};
  const ops::Extent2d result = ops::pooled_size({c.shape()[0], c.shape()[1]}, options);
  if (result.h <= 0 || result.w <= 0)
    c.complain(fmt::format("no window fits into {}x{} pixels; make img_size larger", c.shape()[0], c.shape()[1]));
  c.build.walk.pool(options);
  return function(c, [options, largest](const Tensor& x, const std::string&) {
    return largest ? ops::max_pool2d(x, options) : ops::avg_pool2d(x, options);  // (B, H, W, C) -> (B, H', W', C)
  });
}

}  // namespace

std::unique_ptr<Layer> build_conv(Cursor& c, LayerWords& words) { return convolution(c, words, c.width(words), false); }

std::unique_ptr<Layer> build_depthwise(Cursor& c, LayerWords& words) { return convolution(c, words, c.map()[2], true); }

std::unique_ptr<Layer> build_norm(Cursor& c, LayerWords&) {
  const std::string index = c.index();
  const int64_t C = c.shape().extents().back();
  const nn::BatchNormConfig config = norm_config(c.spec());
  c.build.walk.layer(c.shape(), 2 * C, 0);
  return std::make_unique<Norm>(index, C, config, take_activation(c));
}

std::unique_ptr<Layer> build_max_pool(Cursor& c, LayerWords& words) { return pooling(c, words, true); }

std::unique_ptr<Layer> build_avg_pool(Cursor& c, LayerWords& words) { return pooling(c, words, false); }

std::unique_ptr<Layer> build_global_pool(Cursor& c, LayerWords& words) {
  words.done();
  const Shape in = c.shape();
  if (in.rank() < 2) c.complain(fmt::format("it takes a map or tokens, but {} comes", to_string(in)));
  c.build.walk.from({in.extents().back()});
  return function(c, [](const Tensor& x, const std::string&) {
    return x.rank() == 4 ? ops::global_avg_pool2d(x) : ops::mean_tokens(x);  // (B, …, C) -> (B, C)
  });
}

std::unique_ptr<Layer> build_flatten(Cursor& c, LayerWords& words) {
  words.done();
  c.map();
  c.build.walk.flatten();
  c.build.of_one_size = true;
  return function(c, [](const Tensor& x, const std::string&) { return ops::flatten(x); });  // -> (B, C·H·W)
}

std::unique_ptr<Layer> build_linear(Cursor& c, LayerWords& words) {
  const Shape in = c.shape();
  if (in.rank() == 3)
    c.complain("it takes a vector or tokens; put \"global_pool\", \"flatten\" or \"tokens\" before it");
  const int64_t K = in.extents().back(), out = c.width(words), rows = in.numel() / K;
  const bool bias = words.choice("bias").value_or(true);
  words.done();
  if (out == 0) return nullptr;
  const std::string index = c.index();
  auto layer = std::make_unique<LinearLayer>(index, K, out, bias, take_activation(c));
  c.build.walk.layer(in.rank() == 1 ? Shape{out} : Shape{rows, out}, K * out + (bias ? out : 0), rows * K * out);
  return layer;
}

std::unique_ptr<Layer> build_dropout(Cursor& c, LayerWords& words) {
  const auto p = static_cast<float>(words.fraction());
  words.done();
  return function(c, [p](const Tensor& x, const std::string& path) { return ops::dropout(x, p, path); });
}

std::unique_ptr<Layer> build_squeeze_excitation(Cursor& c, LayerWords& words) {
  const int64_t C = c.map()[2], reduction = words.number();
  const std::string act = words.word("act", "relu");
  words.done();
  const Activation activation = kernels::activation_named(act);
  if (activation == Activation::none) c.complain(fmt::format("there is no activation '{}'", act));
  const int64_t squeezed = std::max<int64_t>(C / reduction, 1);
  auto module = std::make_unique<nn::SqueezeExcitation>(C, squeezed, activation);
  const nn::SqueezeExcitation& se = *module;
  c.build.walk.layer(c.shape(), 2 * C * squeezed + C + squeezed, 2 * C * squeezed);
  return function(
      c, [&se](Tensor x, const std::string&) { return se.forward(std::move(x)); }, std::move(module));
}

std::unique_ptr<Layer> build_layer_norm(Cursor& c, LayerWords& words) {
  const double eps = words.positive("eps", 1e-5);
  words.done();
  const int64_t C = c.shape().extents().back();
  auto module = std::make_unique<nn::LayerNorm>(C, eps);
  const nn::LayerNorm& norm = *module;
  c.build.walk.layer(c.shape(), 2 * C, 0);
  return function(
      c, [&norm](const Tensor& x, const std::string&) { return norm.forward(x); }, std::move(module));
}

std::unique_ptr<Layer> build_tokens(Cursor& c, LayerWords& words) {
  words.done();
  const Shape in = c.map();
  c.build.walk.from({in[0] * in[1], in[2]});
  return function(c, [](const Tensor& x, const std::string&) {
    return x.reshape({x.size(0), x.size(1) * x.size(2), x.size(3)});  // (B, H, W, C) -> (B, H·W, C)
  });
}

std::unique_ptr<Layer> build_positions(Cursor& c, LayerWords& words) {
  words.done();
  const Shape in = c.tokens();
  c.build.of_one_size = true;
  c.build.walk.layer(in, in.numel(), 0);
  return std::make_unique<PositionsLayer>(c.index(), in[0], in[1]);
}

std::unique_ptr<Layer> build_attention(Cursor& c, LayerWords& words) {
  const Shape in = c.tokens();
  const int64_t N = in[0], D = in[1], heads = words.number();
  words.done();
  if (D % heads != 0) c.complain(fmt::format("{} heads do not divide the width {}", heads, D));
  c.build.walk.layer(in, 4 * D * D + 4 * D, 4 * N * D * D + 2 * N * N * D);
  return std::make_unique<AttentionLayer>(c.index(),
                                          nn::AttentionConfig{.D = D, .heads = heads, .head_dim = D / heads});
}

}  // namespace tessera::models
