// EfficientNet: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (ICML 2019),
// https://arxiv.org/abs/1905.11946. Table 1: the baseline B0, MBConv blocks (nn/inverted_residual.h) with a gate of a
// quarter of their input's channels; equation 3: B1 … B7 are wider, deeper and see larger pictures.
//
// Weights by these names: torchvision's efficientnet_b0 … b7. For 32×32 pictures the first convolution and the second
// stage keep the size.
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "tessera/models/family.h"
#include "tessera/models/inverted_net.h"

namespace tessera::models {

namespace {

// Stages 2 … 8 of table 1.
struct Stage {
  int64_t expansion, kernel, channels, layers;
};
constexpr Stage kStages[] = {{1, 3, 16, 1},  {6, 3, 24, 2},  {6, 5, 40, 2}, {6, 3, 80, 3},
                             {6, 5, 112, 3}, {6, 5, 192, 4}, {6, 3, 320, 1}};
constexpr int64_t kStem = 32;  // channels

struct EfficientNetConfig : ConvNetConfig {
  double width_mult = 1, depth_mult = 1;
  int64_t stem_stride = 2;
  std::vector<int64_t> strides = {1, 2, 2, 2, 1, 2, 1};
  double norm_eps = 1e-5, norm_momentum = 0.1;
  double dropout = 0.2, stochastic_depth_prob = 0.2;

  int64_t widened(int64_t channels) const { return nn::make_divisible(static_cast<double>(channels) * width_mult); }
  int64_t deepened(int64_t layers) const {
    return static_cast<int64_t>(std::ceil(static_cast<double>(layers) * depth_mult));
  }

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("width_mult", width_mult, "all channels times this, in multiples of 8").above(0).at_most(16);
    o("depth_mult", depth_mult, "blocks of each stage times this, rounded up").above(0).at_most(16);
    o("stem_stride", stem_stride, "stride of the first convolution").at_least(1).at_most(2);
    o("strides", strides, "of each of the 7 stages").at_least(1).at_most(2);
    o("norm_eps", norm_eps, "epsilon of every batch norm").above(0);
    o("norm_momentum", norm_momentum, "how fast running statistics follow").above(0).at_most(1);
    o.section("Regularisation");
    o("dropout", dropout, "in front of the classifier").at_least(0).below(1);
    o("stochastic_depth_prob", stochastic_depth_prob, "stochastic depth, growing linearly from 0 at the first block")
        .at_least(0)
        .below(1);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (strides.size() != std::size(kStages))
      fail_usage("strides takes a number for each of the {} stages, not {}", std::size(kStages), strides.size());
  }
};

// U(±1/√K), as torchvision has it.
nn::LinearStart classifier_start(int64_t K) {
  nn::LinearStart start = nn::normal_start(0);
  start.weight = [K](int64_t) { return nn::uniform_fan_in(std::max<int64_t>(K, 1)); };
  return start;
}

class EfficientNet : public InvertedNet {
 public:
  explicit EfficientNet(const EfficientNetConfig& config);
};

EfficientNet::EfficientNet(const EfficientNetConfig& c) : InvertedNet(c, describe("efficientnet", c)) {
  using nn::Activation;
  const nn::ConvNormNames names = {"0", "1"};
  const nn::BatchNormConfig norm = {c.norm_eps, c.norm_momentum};
  int64_t in = c.widened(kStem), blocks = 0;
  const nn::Conv2dConfig stem = {.kernel = 3, .stride = c.stem_stride, .padding = 1};
  add_child("features.0", stem_.emplace(c.in_chans, in, stem, names, Activation::silu, norm));
  for (const Stage& stage : kStages) blocks += c.deepened(stage.layers);
  std::vector<std::string> parts;
  for (size_t s = 0; s < std::size(kStages); ++s) {
    const Stage& stage = kStages[s];
    for (int64_t i = 0; i < c.deepened(stage.layers); ++i) {
      const double before = static_cast<double>(blocks_.size());
      const nn::InvertedResidualConfig block = {
          .in = in,
          .expanded = nn::make_divisible(static_cast<double>(in * stage.expansion)),
          .out = c.widened(stage.channels),
          .kernel = stage.kernel,
          .stride = i == 0 ? c.strides[s] : 1,
          .activation = Activation::silu,
          .squeezed = std::max<int64_t>(in / 4, 1),
          .drop_path = c.stochastic_depth_prob * before / static_cast<double>(blocks),
          .norm = norm,
          .sequence = "block",
          .bare_projection = false};
      parts.push_back(fmt::format("features.{}.{}", s + 1, i));
      add_child(parts.back(), *blocks_.emplace_back(std::make_unique<nn::InvertedResidual>(block)));
      in = block.out;
    }
  }
  parts.push_back(fmt::format("features.{}", std::size(kStages) + 1));
  add_child(parts.back(), last_.emplace(in, 4 * in, nn::Conv2dConfig{}, names, Activation::silu, norm));
  add_child("classifier.1",
            classifier_.emplace(4 * in, c.num_classes,
                                nn::PooledClassifierConfig{c.dropout, classifier_start(c.num_classes)}));
  name_parts(stem_->conv(), parts, "classifier.1");
}

}  // namespace

void register_efficientnet(Registry& registry) {
  registry.families.add(
      "efficientnet", family_of<EfficientNet, EfficientNetConfig>("efficientnet", "EfficientNet (Tan and Le, 2019)."));
  // Equation 3's coefficients, rounded as published; from b5 on, torchvision's norms are TensorFlow's.
  struct Size {
    double width, depth;
    int picture;
    double dropout;
  };
  constexpr Size kSizes[] = {{1.0, 1.0, 224, 0.2}, {1.0, 1.1, 240, 0.2}, {1.1, 1.2, 288, 0.3}, {1.2, 1.4, 300, 0.3},
                             {1.4, 1.8, 380, 0.4}, {1.6, 2.2, 456, 0.4}, {1.8, 2.6, 528, 0.5}, {2.0, 3.1, 600, 0.5}};
  for (size_t i = 0; i < std::size(kSizes); ++i) {
    const Size& size = kSizes[i];
    const std::string keys =
        fmt::format(R"("width_mult": {}, "depth_mult": {}, "dropout": {}{})", size.width, size.depth, size.dropout,
                    i < 5 ? "" : R"(, "norm_eps": 0.001, "norm_momentum": 0.01)");
    registry.variants.add(fmt::format("efficientnet_b{}", i),
                          {"efficientnet", fmt::format(R"({{"img_size": {}, {}}})", size.picture, keys),
                           fmt::format("EfficientNet-B{} (Tan and Le, 2019)", i)});
    registry.variants.add(
        fmt::format("efficientnet_b{}_cifar", i),
        {"efficientnet",
         fmt::format(R"({{"img_size": 32, "num_classes": 10, {}, "stem_stride": 1, "strides": [1, 1, 2, 2, 1, 2, 1]}})",
                     keys),
         fmt::format("EfficientNet-B{} for 32x32 pictures: first convolution and second stage without stride", i)});
  }
}

}  // namespace tessera::models
