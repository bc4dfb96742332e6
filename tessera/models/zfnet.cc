// ZFNet: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV 2014),
// https://arxiv.org/abs/1311.2901, figure 3. The paper says of its "contrast normalisation across feature maps" no
// more; here it is AlexNet's local response normalisation (Krizhevsky et al., 2012, section 3.3) with its constants and
// PyTorch's α, over the mean of the squares.
//
// No published weights are known; names are conv1 … conv5 and fc6 … fc8. For 32×32 pictures the first convolution is
// 3×3 and it and the second have stride 1; the last map then has 3×3 pixels.
#include <memory>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/dense_head.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/local_response_norm.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

namespace {

struct ZfNetConfig : ConvNetConfig {
  std::string stem = "imagenet";
  std::vector<int64_t> channels = {96, 256, 384, 384, 256};
  int64_t lrn_size = 5;
  double lrn_alpha = 1e-4, lrn_beta = 0.75, lrn_k = 2;
  DenseHeadConfig head = {.pool_size = 6};

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("stem", stem, "first convolutions: imagenet: 7x7 and 5x5 with stride 2; cifar: 3x3 and 5x5 with stride 1")
        .one_of({"imagenet", "cifar"});
    o("channels", channels, "of the five convolutions").at_least(1).at_most(65536);
    o("lrn_size", lrn_size, "channels that a local response normalisation looks at").at_least(1).at_most(1024);
    o("lrn_alpha", lrn_alpha, "its factor of the mean of their squares").at_least(0);
    o("lrn_beta", lrn_beta, "its power");
    o("lrn_k", lrn_k, "what it adds").above(0);
    head.visit(o);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (channels.size() != 5) fail_usage("channels takes a number for each of 5 convolutions, not {}", channels.size());
    if (!given.is_set("pool_size") && stem == "cifar") head.pool_size = 3;
  }

  nn::Conv2dConfig conv(size_t i) const {
    const int64_t in = i == 0 ? in_chans : channels[i - 1];
    const bool large = stem == "imagenet";
    nn::Conv2dConfig conv = {.kernel = 3, .padding = 1, .bias = true};
    if (i == 0 && large) conv.kernel = 7, conv.stride = 2;
    if (i == 1) conv.kernel = 5, conv.stride = large ? 2 : 1, conv.padding = large ? 0 : 2;
    conv.weight_init = conv.bias_init = nn::uniform_fan_in(in * conv.kernel * conv.kernel);
    return conv;
  }
  ops::LocalResponse norm() const {
    return {lrn_size, static_cast<float>(lrn_alpha), static_cast<float>(lrn_beta), static_cast<float>(lrn_k)};
  }
};

constexpr ops::PoolOptions kPadded = {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1, 1, 1}};
constexpr ops::PoolOptions kPool = {.kernel = {3, 3}, .stride = {2, 2}};

class ZfNet : public ConvNet {
 public:
  explicit ZfNet(const ZfNetConfig& c) : ConvNet(c, describe("zfnet", c)), head_(c.head), norm_(c.norm()) {
    std::vector<std::string> parts;
    for (size_t i = 0; i < c.channels.size(); ++i) {
      convs_.push_back(std::make_unique<nn::Conv2d>(i == 0 ? c.in_chans : c.channels[i - 1], c.channels[i], c.conv(i)));
      add_child("conv" + std::to_string(i + 1), *convs_.back());
      if (i > 0) parts.push_back(convs_.back()->path());
    }
    const auto name = [](size_t i) { return "fc" + std::to_string(i + 6); };
    add_child("", classifier_.emplace(c.head.classifier(c.channels.back(), c.num_classes, name)));
    for (size_t i = 0; i < c.head.hidden.size(); ++i) parts.push_back(name(i));
    name_parts(*convs_.front(), parts, name(c.head.hidden.size()));
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    Tensor x = images;  // (B, 224, 224, C)
    for (size_t i = 0; i < convs_.size(); ++i) {
      x = nn::conv_act(*convs_[i], x, nn::Activation::relu);  // (B, 110, 110, 96), (B, 26, 26, 256), (B, 13, 13, …)
      ops::tap(convs_[i]->path(), x);
      if (i > 1) continue;
      x = ops::local_response_norm(ops::max_pool2d(x, kPadded), norm_);  // (B, 55, 55, 96), (B, 13, 13, 256)
      ops::tap("norm" + std::to_string(i + 1), x);
    }
    x = ops::max_pool2d(x, kPool);  // (B, 6, 6, 256)
    ops::tap("pool5", x);
    return x;
  }
  Tensor forward_head(const Tensor& features) override {
    return classifier_->forward(head_.pool(features));  // (B, K)
  }

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    for (size_t i = 0; i < convs_.size(); ++i) {
      walk.conv(*convs_[i]);
      if (i < 2) walk.pool(kPadded);
      walk.step(convs_[i]->path());
    }
    walk.pool(kPool), walk.adaptive_pool({head_.pool_size, head_.pool_size}), walk.step("pool5");
    walk.classify(*classifier_);
    return std::move(walk).steps();
  }

 private:
  DenseHeadConfig head_;
  ops::LocalResponse norm_;
  std::vector<std::unique_ptr<nn::Conv2d>> convs_;
  std::optional<nn::DenseClassifier> classifier_;
};

}  // namespace

void register_zfnet(Registry& registry) {
  registry.families.add("zfnet", family_of<ZfNet, ZfNetConfig>("zfnet", "ZFNet (Zeiler and Fergus, 2014)."));
  registry.variants.add("zfnet", {"zfnet", "{}", "ZFNet (Zeiler and Fergus, 2014, figure 3)"});
  registry.variants.add("zfnet_cifar", {"zfnet", R"({"img_size": 32, "num_classes": 10, "stem": "cifar"})",
                                        "ZFNet for 32x32 pictures: one convolution 3x3 in front"});
}

}  // namespace tessera::models
