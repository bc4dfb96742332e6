// MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (CVPR 2018),
// https://arxiv.org/abs/1801.04381, table 2: a convolution, 17 inverted residuals (nn/inverted_residual.h) in 7 stages,
// and a wide 1×1 convolution in front of the classifier. Activations are ReLU6.
//
// Weights by these names: torchvision's mobilenet_v2. For 32×32 pictures the first convolution and the second stage
// keep the size.
#include <vector>

#include "tessera/models/family.h"
#include "tessera/models/inverted_net.h"

namespace tessera::models {

namespace {

// The rows of table 2.
struct Stage {
  int64_t t, c, n;  // expansion, output channels, blocks
};
constexpr Stage kStages[] = {{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}, {6, 320, 1}};
constexpr int64_t kStem = 32, kLast = 1280;  // channels

struct MobileNetV2Config : ConvNetConfig {
  double width_mult = 1;
  int64_t round_nearest = 8;
  int64_t stem_stride = 2;
  std::vector<int64_t> strides = {1, 2, 2, 2, 1, 2, 1};
  double dropout = 0.2;

  int64_t widened(int64_t channels) const {
    return nn::make_divisible(static_cast<double>(channels) * width_mult, round_nearest);
  }

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("width_mult", width_mult, "all channels times this (the paper's α)").above(0).at_most(16);
    o("round_nearest", round_nearest, "numbers of channels are multiples of this").at_least(1).at_most(1024);
    o("stem_stride", stem_stride, "stride of the first convolution").at_least(1).at_most(2);
    o("strides", strides, "of each of the 7 stages").at_least(1).at_most(2);
    o.section("Regularisation");
    o("dropout", dropout, "in front of the classifier").at_least(0).below(1);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (strides.size() != std::size(kStages))
      fail_usage("strides takes a number for each of the {} stages, not {}", std::size(kStages), strides.size());
  }
};

class MobileNetV2 : public InvertedNet {
 public:
  explicit MobileNetV2(const MobileNetV2Config& config);
};

MobileNetV2::MobileNetV2(const MobileNetV2Config& c) : InvertedNet(c, describe("mobilenet_v2", c)) {
  using nn::Activation;
  const nn::ConvNormNames names = {"0", "1"};
  std::vector<std::string> parts;
  const auto add = [&](nn::Module& part) {
    parts.push_back("features." + std::to_string(parts.size()));
    add_child(parts.back(), part);
  };
  int64_t in = c.widened(kStem);
  const nn::Conv2dConfig stem = {.kernel = 3, .stride = c.stem_stride, .padding = 1};
  add(stem_.emplace(c.in_chans, in, stem, names, Activation::relu6));
  for (size_t stage = 0; stage < std::size(kStages); ++stage) {
    const auto& [t, channels, n] = kStages[stage];
    for (int64_t i = 0; i < n; ++i) {
      const nn::InvertedResidualConfig block = {
          .in = in, .expanded = in * t, .out = c.widened(channels), .stride = i == 0 ? c.strides[stage] : 1};
      add(*blocks_.emplace_back(std::make_unique<nn::InvertedResidual>(block)));
      in = block.out;
    }
  }
  const int64_t last = nn::make_divisible(kLast * std::max(1.0, c.width_mult), c.round_nearest);
  add(last_.emplace(in, last, nn::Conv2dConfig{}, names, Activation::relu6));
  add_child("classifier.1",
            classifier_.emplace(last, c.num_classes, nn::PooledClassifierConfig{c.dropout, nn::normal_start(0.01)}));
  parts.erase(parts.begin());
  name_parts(stem_->conv(), parts, "classifier.1");
}

}  // namespace

void register_mobilenet_v2(Registry& registry) {
  registry.families.add(
      "mobilenet_v2", family_of<MobileNetV2, MobileNetV2Config>("mobilenet_v2", "MobileNetV2 (Sandler et al., 2018)."));
  registry.variants.add("mobilenet_v2", {"mobilenet_v2", "{}", "MobileNetV2 (Sandler et al., 2018)"});
  registry.variants.add(
      "mobilenet_v2_cifar",
      {"mobilenet_v2", R"({"img_size": 32, "num_classes": 10, "stem_stride": 1, "strides": [1, 1, 2, 2, 1, 2, 1]})",
       "MobileNetV2 for 32x32 pictures: first convolution and second stage without stride"});
}

}  // namespace tessera::models
