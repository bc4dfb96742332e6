#include "tessera/models/fccn.h"

#include <optional>

#include "tessera/models/family.h"
#include "tessera/models/scalars.h"
#include "tessera/nn/complex.h"
#include "tessera/nn/linear.h"
#include "tessera/ops/ihsv.h"
#include "tessera/ops/polar.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tokens.h"

namespace tessera::models {

namespace {

// The two kinds of numbers: layers of the same names, on maps (B, H, W, planes·C) of C numbers.

struct ComplexNumbers {
  using Conv = nn::ComplexConv2d;
  using Norm = nn::ComplexBatchNorm2d;
  using Linear = nn::ComplexLinear;
  static constexpr int64_t kPlanes = 2, kProducts = 4;  // real multiply-adds of one of these numbers

  // All of the map, in PyTorch's order: (B, H, W, 2·C) -> (B, 2·K)
  static Tensor classify(const Linear& fc, const Tensor& map) { return fc.forward_maps(map); }
  static Tensor logits(const Tensor& outputs) { return ops::magnitude(outputs); }  // (B, 2·K) -> (B, K)
  static void tap(const std::string& name, const Tensor& x) { nn::tap_parts(name, x); }
};

struct RealNumbers {
  using Conv = nn::Conv2d;
  using Norm = nn::BatchNorm2d;
  using Linear = nn::Linear;
  static constexpr int64_t kPlanes = 1, kProducts = 1;

  // In our own order, since there is no original to agree with: (B, H, W, C) -> (B, K)
  static Tensor classify(const Linear& fc, const Tensor& map) {
    return fc.forward(map.reshape({map.size(0), map.numel() / map.size(0)}));
  }
  static Tensor logits(const Tensor& outputs) { return outputs; }
  static void tap(const std::string& name, const Tensor& x) { ops::tap(name, x); }
};

nn::ComplexActivation activation_named(const std::string& name) {
  if (name == "modrelu") return nn::ComplexActivation::modrelu;
  if (name == "zrelu") return nn::ComplexActivation::zrelu;
  if (name == "cardioid") return nn::ComplexActivation::cardioid;
  return nn::ComplexActivation::cprelu;
}

// Convolution, norm, activation. CReLU is the ReLU of every plane.
template <class Numbers>
class Stage {
 public:
  typename Numbers::Conv conv;
  std::optional<typename Numbers::Norm> norm;
  std::optional<nn::BatchNorm2d> norm_of_parts;
  std::optional<nn::ComplexActivate> act;  // where it is not CReLU

  Stage(const FccnConfig& c, size_t i)
      : conv(i == 0 ? c.input_channels() : c.channels[i - 1], c.channels[i],
             {.kernel = c.kernel, .stride = c.strides[i], .padding = c.kernel / 2, .bias = c.conv_bias}) {
    const nn::BatchNormConfig batch_norm = {.eps = c.norm_eps};
    if (c.norm == "whitening") norm.emplace(c.channels[i], batch_norm);
    if (c.norm == "parts") norm_of_parts.emplace(Numbers::kPlanes * c.channels[i], batch_norm);
    if (c.act[i] != "crelu") act.emplace(c.channels[i], activation_named(c.act[i]));
  }

  // (B, H, W, planes·C) -> (B, ⌈H / stride⌉, ⌈W / stride⌉, planes·O)
  Tensor forward(const Tensor& x) const {
    const auto crelu = act ? nn::Activation::none : nn::Activation::relu;
    const Tensor y = normed(x, crelu);
    return act ? act->forward(y) : y;
  }

 private:
  Tensor normed(const Tensor& x, nn::Activation crelu) const {
    if (norm) return nn::conv_norm(conv, *norm, x, crelu);
    if constexpr (Numbers::kPlanes == 2)
      if (norm_of_parts) return nn::conv_norm(conv, *norm_of_parts, x, crelu);
    const Tensor y = conv.forward(x);
    Numbers::tap(conv.path(), y);
    return crelu == nn::Activation::none ? y : ops::activate(y, crelu);
  }
};

template <class Numbers>
class Fccn : public Model {
 public:
  explicit Fccn(const FccnConfig& config);

  // images (B, H, W, C) -> the last map (B, H', W', planes·channels)
  Tensor forward_features(const Tensor& images) override;
  // features -> logits (B, K)
  Tensor forward_head(const Tensor& features) override { return Numbers::logits(outputs(features)); }
  TrainingOutput forward_training(const Tensor& images) override;
  bool has_complex_logits() const override { return Numbers::kPlanes == 2; }

  PictureSize input() const override;
  std::optional<Normalisation> normalisation() const override;
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override;
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override { return static_cast<int64_t>(stages_.size()) + 1; }
  bool no_weight_decay(const std::string&) const override { return false; }
  std::vector<std::string> head_parameters() const override;

 private:
  Tensor numbers_of(const Tensor& images) const;
  Tensor halved(const Tensor& x) const;
  Tensor outputs(const Tensor& features) const;

  FccnConfig config_;
  std::vector<std::unique_ptr<Stage<Numbers>>> stages_;
  typename Numbers::Linear fc_;
};

// The map after the first `count` convolutions and their poolings, in numbers.
PictureSize map_after(const FccnConfig& c, size_t count) {
  PictureSize map = {c.img_size[0], c.img_size[1], c.input_channels()};
  for (size_t i = 0; i < count; ++i) {
    const int64_t pool = c.pooled(static_cast<int64_t>(i)) ? 2 : 1;
    map.height = ((map.height - 1) / c.strides[i] + 1) / pool;
    map.width = ((map.width - 1) / c.strides[i] + 1) / pool;
    map.channels = c.channels[i];
    if (map.height < 1 || map.width < 1)
      fail_usage("img_size {}x{} is too small for so many pools", c.img_size[0], c.img_size[1]);
  }
  return map;
}

int64_t classifier_inputs(const FccnConfig& c) {
  const PictureSize map = map_after(c, c.channels.size());
  return c.global_pool == "all" ? map.height * map.width * map.channels : map.channels;
}

template <class Numbers>
Fccn<Numbers>::Fccn(const FccnConfig& config) : config_(config), fc_(classifier_inputs(config), config.num_classes) {
  for (size_t i = 0; i < config.channels.size(); ++i) {
    Stage<Numbers>& stage = *stages_.emplace_back(std::make_unique<Stage<Numbers>>(config, i));
    const std::string number = std::to_string(i + 1);
    add_child("conv" + number, stage.conv);
    if (stage.norm) add_child("norm" + number, *stage.norm);
    if (stage.norm_of_parts) add_child("norm" + number, *stage.norm_of_parts);
    if (stage.act) add_child("act" + number, *stage.act);
  }
  add_child("fc", fc_);
}

// What the first convolution takes. images (B, H, W, C) -> (B, H, W, planes·numbers)
template <class Numbers>
Tensor Fccn<Numbers>::numbers_of(const Tensor& images) const {
  const auto [H, W, C] = input();
  TESSERA_CHECK(images.rank() == 4 && images.size(1) == H && images.size(2) == W && images.size(3) == C,
                "fccn: images must be (B, {}, {}, {}), but they are {}", H, W, C, to_string(images.shape()));
  if (config_.color == "ihsv") return ops::ihsv(images);  // (B, H, W, 6)
  if (config_.color == "complex" || Numbers::kPlanes == 1) return images;
  // Real colours: imaginary parts of zero beside them.
  const Tensor pixels = images.reshape({images.numel() / C, C, 1});
  return ops::concat_tokens({pixels, Tensor::zeros({1, C, 1})}).reshape({images.size(0), H, W, 2 * C});
}

// (B, H, W, planes·C) -> (B, ⌊H / 2⌋, ⌊W / 2⌋, planes·C)
template <class Numbers>
Tensor Fccn<Numbers>::halved(const Tensor& x) const {
  const ops::PoolOptions by_two = {.kernel = {2, 2}, .stride = {2, 2}};
  if (config_.pool == "avg") return ops::avg_pool2d(x, by_two);
  if (config_.pool == "max" || Numbers::kPlanes == 1) return ops::max_pool2d(x, by_two);
  return ops::magnitude_pool2d(x, by_two);
}

template <class Numbers>
Tensor Fccn<Numbers>::forward_features(const Tensor& images) {
  Tensor x = numbers_of(images);  // (B, H, W, planes·numbers)
  for (size_t i = 0; i < stages_.size(); ++i) {
    x = stages_[i]->forward(x);  // (B, H', W', planes·channels[i])
    Numbers::tap("act" + std::to_string(i + 1), x);
    if (config_.pooled(static_cast<int64_t>(i))) x = halved(x);  // (B, ⌊H' / 2⌋, ⌊W' / 2⌋, planes·channels[i])
  }
  return x;
}

// features (B, H, W, planes·C) -> (B, planes·K)
template <class Numbers>
Tensor Fccn<Numbers>::outputs(const Tensor& features) const {
  const auto mean = [&] {  // (B, planes·C)
    return ops::mean_tokens(
        features.reshape({features.size(0), features.size(1) * features.size(2), features.size(3)}));
  };
  const Tensor y = config_.global_pool == "all" ? Numbers::classify(fc_, features) : fc_.forward(mean());
  Numbers::tap("fc", y);
  return y;
}

template <class Numbers>
Model::TrainingOutput Fccn<Numbers>::forward_training(const Tensor& images) {
  const Tensor y = outputs(forward_features(images));
  TrainingOutput output = {Numbers::logits(y)};
  if (has_complex_logits()) output.complex_logits = y;
  return output;
}

template <class Numbers>
PictureSize Fccn<Numbers>::input() const {
  const int64_t planes = config_.color == "complex" ? 2 : 1;
  return {config_.img_size[0], config_.img_size[1], planes * config_.in_chans};
}

template <class Numbers>
std::optional<Normalisation> Fccn<Numbers>::normalisation() const {
  if (config_.color != "ihsv") return std::nullopt;
  return Normalisation{{0, 0, 0}, {1, 1, 1}};
}

template <class Numbers>
std::string Fccn<Numbers>::architecture() const {
  return describe("fccn", config_);
}

template <class Numbers>
std::vector<ShapeStep> Fccn<Numbers>::shapes() {
  const auto count = [this](const std::string& prefix) { return scalars_below(*this, prefix); };
  const auto shape_of = [](const PictureSize& map) {
    return Shape{map.height, map.width, Numbers::kPlanes * map.channels};
  };
  std::vector<ShapeStep> steps;
  steps.push_back({"input", {input().height, input().width, input().channels}});
  steps.push_back({config_.color, shape_of(map_after(config_, 0))});
  for (size_t i = 0; i < stages_.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    PictureSize map = map_after(config_, i);
    map = {(map.height - 1) / config_.strides[i] + 1, (map.width - 1) / config_.strides[i] + 1, config_.channels[i]};
    steps.push_back({"conv" + number, shape_of(map),
                     count("conv" + number + ".") + count("norm" + number + ".") + count("act" + number + "."),
                     stages_[i]->conv.macs(map.height, map.width)});
    if (config_.pooled(static_cast<int64_t>(i)))
      steps.push_back({"pool" + number, shape_of(map_after(config_, i + 1))});
  }
  const int64_t inputs = classifier_inputs(config_), K = config_.num_classes;
  if (config_.global_pool == "avg") steps.push_back({"mean", {Numbers::kPlanes * inputs}});
  steps.push_back({"fc", {Numbers::kPlanes * K}, count("fc."), Numbers::kProducts * inputs * K});
  if (Numbers::kPlanes > 1) steps.push_back({"magnitude", {K}});
  return steps;
}

template <class Numbers>
int64_t Fccn<Numbers>::layer_of(const std::string& parameter) const {
  if (parameter.starts_with("fc.")) return num_layers() - 1;
  return std::stoll(parameter.substr(parameter.find_first_of("0123456789"))) - 1;  // "conv3.", "norm3.", "act3."
}

template <class Numbers>
std::vector<std::string> Fccn<Numbers>::head_parameters() const {
  std::vector<std::string> names;
  if (Numbers::kPlanes == 1) return {"fc.weight", "fc.bias"};
  return {"fc.weight_real", "fc.weight_imag", "fc.bias_real", "fc.bias_imag"};
}

}  // namespace

std::unique_ptr<Model> make_fccn(const FccnConfig& config) {
  if (config.complex()) return std::make_unique<Fccn<ComplexNumbers>>(config);
  return std::make_unique<Fccn<RealNumbers>>(config);
}

}  // namespace tessera::models
