// ResNet: He et al., "Deep Residual Learning for Image Recognition" (CVPR 2016), https://arxiv.org/abs/1512.03385,
// equations 1 and 2, figure 5, table 1; with the stride of a bottleneck in its 3×3 convolution, as in fb.resnet.torch
// and torchvision ("v1.5"). ResNeXt: Xie et al., "Aggregated Residual Transformations for Deep Neural Networks" (CVPR
// 2017), https://arxiv.org/abs/1611.05431, figure 3c, table 1. Wide ResNet: Zagoruyko and Komodakis, "Wide Residual
// Networks" (BMVC 2016), https://arxiv.org/abs/1605.07146, table 9.
//
// Weights by these names: torchvision's and timm's resnet*, resnext* and wide_resnet*. For 32×32 pictures the usual
// form has a 3×3 convolution and no pooling in front (https://github.com/kuangliu/pytorch-cifar); the paper's own
// (section 4.2: ResNet-20, 32, 56) are narrower, of three stages. Their blocks have convolutions 1×1 where shapes
// differ (option B), as everywhere here; the paper pads with zeros instead (option A: 2,752 parameters fewer).
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

namespace {

struct ResNetConfig : ConvNetConfig {
  std::string stem = "imagenet";
  std::string block = "bottleneck";
  std::vector<int64_t> layers = {3, 4, 6, 3};
  int64_t width = 64;
  int64_t groups = 1;            // ResNeXt's cardinality
  int64_t width_per_group = 64;  // ResNeXt's bottleneck width d; of a Wide ResNet 128

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("stem", stem, "imagenet: convolution 7x7 and pooling, both with stride 2; cifar: one convolution 3x3")
        .one_of({"imagenet", "cifar"});
    o("block", block, "two convolutions 3x3, or one between two 1x1").one_of({"basic", "bottleneck"});
    o("layers", layers, "blocks of each stage; from the second stage on the first halves the size")
        .at_least(1)
        .at_most(1024);
    o("width", width, "channels of the stem; each stage has twice the one before").at_least(1).at_most(4096);
    o("groups", groups, "of a bottleneck's 3x3 convolution (ResNeXt's cardinality)").at_least(1).at_most(4096);
    o("width_per_group", width_per_group, "channels of each group in the first stage, for a width of 64")
        .at_least(1)
        .at_most(4096);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (layers.empty() || layers.size() > 8) fail_usage("layers takes 1 to 8 stages, not {}", layers.size());
    if (block == "bottleneck" && width * width_per_group < 64)
      fail_usage("width_per_group {} leaves a bottleneck no channels of width {}", width_per_group, width);
    if (block == "basic" && (groups != 1 || width_per_group != 64))
      fail_usage("block basic has no groups and no width_per_group; block bottleneck has");
  }

  int64_t planes(size_t stage) const { return width << stage; }
  int64_t expansion() const { return block == "basic" ? 1 : 4; }
  // Channels within a bottleneck.
  int64_t inner(size_t stage) const { return planes(stage) * width_per_group / 64 * groups; }
};

constexpr ops::PoolOptions kStemPool = {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1, 1, 1}};

// A convolution that starts as torchvision's: He et al. (2015), for the way back, whatever the groups.
std::unique_ptr<nn::ConvNorm> conv_norm(int64_t in, int64_t out, int64_t kernel, int64_t stride,
                                        const nn::ConvNormNames& names, nn::Activation activation, int64_t groups = 1) {
  const nn::Conv2dConfig conv = {.kernel = kernel,
                                 .stride = stride,
                                 .padding = kernel / 2,
                                 .groups = groups,
                                 .weight_init = nn::kaiming_normal(out * kernel * kernel)};
  return std::make_unique<nn::ConvNorm>(in, out, conv, names, activation);
}

// y = relu(F(x) + x), equation 1, or relu(F(x) + W·x) where the shapes differ, equation 2.
class ResidualBlock : public nn::Module {
 public:
  ResidualBlock(int64_t in, int64_t stride, size_t stage, const ResNetConfig& c) {
    const int64_t out = c.planes(stage) * c.expansion(), inner = c.inner(stage);
    using nn::Activation;
    if (c.block == "basic") {  // figure 5, left
      layers_.push_back(conv_norm(in, out, 3, stride, {"conv1", "bn1"}, Activation::relu));
      layers_.push_back(conv_norm(out, out, 3, 1, {"conv2", "bn2"}, Activation::relu));
    } else {  // figure 5, right
      layers_.push_back(conv_norm(in, inner, 1, 1, {"conv1", "bn1"}, Activation::relu));
      layers_.push_back(conv_norm(inner, inner, 3, stride, {"conv2", "bn2"}, Activation::relu, c.groups));
      layers_.push_back(conv_norm(inner, out, 1, 1, {"conv3", "bn3"}, Activation::relu));
    }
    for (const auto& layer : layers_) add_child("", *layer);
    if (stride == 1 && in == out) return;
    downsample_ = conv_norm(in, out, 1, stride, {"0", "1"}, Activation::none);
    add_child("downsample", *downsample_);
  }

  // (B, H, W, in) -> (B, ⌈H/stride⌉, ⌈W/stride⌉, out). Of x's last handle, moved in, the sum takes the place.
  Tensor forward(Tensor x) const {
    Tensor y = layers_.front()->forward(x);
    if (layers_.size() == 3) y = layers_[1]->forward(y);
    if (downsample_) x = downsample_->forward(x);
    return layers_.back()->forward(y, std::move(x));
  }

  void walk(ShapeWalk& walk) const {
    const Shape in = walk.shape();
    if (downsample_) walk.conv_norm(*downsample_), walk.from(in);
    for (const auto& layer : layers_) walk.conv_norm(*layer);
  }

 private:
  std::vector<std::unique_ptr<nn::ConvNorm>> layers_;
  std::unique_ptr<nn::ConvNorm> downsample_;
};

class ResNet : public ConvNet {
 public:
  explicit ResNet(const ResNetConfig& c)
      : ConvNet(c, describe("resnet", c)), pools_(c.stem == "imagenet"), stem_(stem(c)) {
    add_child("", *stem_);
    int64_t in = c.width;
    std::vector<std::string> paths;
    for (size_t stage = 0; stage < c.layers.size(); ++stage)
      for (int64_t i = 0; i < c.layers[stage]; ++i) {
        blocks_.push_back(std::make_unique<ResidualBlock>(in, i == 0 && stage > 0 ? 2 : 1, stage, c));
        add_child("layer" + std::to_string(stage + 1) + "." + std::to_string(i), *blocks_.back());
        paths.push_back(blocks_.back()->path());
        in = c.planes(stage) * c.expansion();
      }
    add_child("fc", classifier_.emplace(in, c.num_classes));
    name_parts(stem_->conv(), paths, "fc");
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    Tensor x = stem_->forward(images);         // (B, H/2, W/2, width)
    if (pools_) x = max_pool2d(x, kStemPool);  // (B, H/4, W/4, width)
    ops::tap("stem", x);
    for (const auto& block : blocks_) {
      x = block->forward(std::move(x));  // each stage halves the size and doubles the channels
      ops::tap(block->path(), x);
    }
    return x;  // (B, H/32, W/32, C)
  }
  Tensor forward_head(const Tensor& features) override { return classifier_->forward(features); }  // (B, K)

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    walk.conv_norm(*stem_);
    if (pools_) walk.pool(kStemPool);
    walk.step("stem");
    for (const auto& block : blocks_) block->walk(walk), walk.step(block->path());
    walk.classify(*classifier_);
    return std::move(walk).steps();
  }

 private:
  static std::unique_ptr<nn::ConvNorm> stem(const ResNetConfig& c) {
    const bool imagenet = c.stem == "imagenet";
    return conv_norm(c.in_chans, c.width, imagenet ? 7 : 3, imagenet ? 2 : 1, {"conv1", "bn1"}, nn::Activation::relu);
  }

  bool pools_;
  std::unique_ptr<nn::ConvNorm> stem_;
  std::vector<std::unique_ptr<ResidualBlock>> blocks_;
  std::optional<nn::PooledClassifier> classifier_;
};

// Every key but what regularises: blocks are counted, and their convolutions tell widths and groups.
std::optional<Inferred> infer_resnet(const Shapes& shapes, const std::string& /*known*/) {
  const auto of = [&](const std::string& name) {
    const auto found = shapes.find(name);
    return found == shapes.end() ? Shape() : found->second;
  };
  const auto block = [](size_t stage, int64_t i) { return fmt::format("layer{}.{}.", stage + 1, i); };
  const Shape stem = of("conv1.weight"), first = of("layer1.0.conv1.weight"), second = of("layer1.0.conv2.weight");
  if (stem.rank() != 4 || first.rank() != 4 || second.rank() != 4 || second[1] == 0) return std::nullopt;
  if (stem[2] != 7 && stem[2] != 3) return std::nullopt;
  nlohmann::ordered_json keys = {{"family", "resnet"}, {"in_chans", stem[1]}, {"width", stem[0]}};
  keys["stem"] = stem[2] == 7 ? "imagenet" : "cifar";
  if (stem[2] == 3) keys["img_size"] = 32;
  keys["block"] = shapes.contains("layer1.0.conv3.weight") ? "bottleneck" : "basic";
  if (keys["block"] == "bottleneck") {
    const int64_t groups = first[0] / second[1];
    keys["groups"] = groups;
    keys["width_per_group"] = second[1] * 64 / stem[0];
  }
  keys["layers"] = nlohmann::json::array();
  for (size_t stage = 0; shapes.contains(block(stage, 0) + "conv1.weight"); ++stage) {
    int64_t count = 1;
    while (shapes.contains(block(stage, count) + "conv1.weight")) ++count;
    keys["layers"].push_back(count);
  }
  const Shape head = of("fc.weight");
  keys["num_classes"] = head.rank() == 2 ? head[0] : 0;
  return Inferred{keys.dump()};
}

}  // namespace

void register_resnet(Registry& registry) {
  registry.families.add("resnet", family_of<ResNet, ResNetConfig>(
                                      "resnet", "ResNet (He et al., 2016), ResNeXt and Wide ResNet.", infer_resnet));
  struct Named {
    const char *name, *keys, *about;
  };
  const char* const he = "(He et al., 2016, table 1)";
  const char* const xie = "(Xie et al., 2017)";
  for (const auto& [name, keys, paper] :
       {Named{"resnet18", R"("block": "basic", "layers": [2, 2, 2, 2])", he},
        {"resnet34", R"("block": "basic", "layers": [3, 4, 6, 3])", he},
        {"resnet50", R"("layers": [3, 4, 6, 3])", he},
        {"resnet101", R"("layers": [3, 4, 23, 3])", he},
        {"resnet152", R"("layers": [3, 8, 36, 3])", he},
        {"resnext50_32x4d", R"("layers": [3, 4, 6, 3], "groups": 32, "width_per_group": 4)", xie},
        {"resnext101_32x8d", R"("layers": [3, 4, 23, 3], "groups": 32, "width_per_group": 8)", xie},
        {"resnext101_64x4d", R"("layers": [3, 4, 23, 3], "groups": 64, "width_per_group": 4)", xie},
        {"wide_resnet50_2", R"("layers": [3, 4, 6, 3], "width_per_group": 128)", "(Zagoruyko and Komodakis, 2016)"}}) {
    const std::string about = std::string("a residual network ") + paper;
    registry.variants.add(name, {"resnet", std::string("{") + keys + "}", about});
    registry.variants.add(
        std::string(name) + "_cifar",
        {"resnet", std::string(R"({"img_size": 32, "num_classes": 10, "stem": "cifar", )") + keys + "}",
         about + " for 32x32 pictures: one convolution 3x3 in front, no pooling"});
  }
  for (const int n : {3, 5, 9})
    registry.variants.add(
        fmt::format("resnet{}_cifar", 6 * n + 2),
        {"resnet",
         fmt::format(R"({{"img_size": 32, "num_classes": 10, "stem": "cifar", "block": "basic", "width": 16, )"
                     R"("layers": [{0}, {0}, {0}]}})",
                     n),
         "a narrow residual network for 32x32 pictures (He et al., 2016, section 4.2)"});
}

}  // namespace tessera::models
