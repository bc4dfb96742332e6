// AlexNet: Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (NIPS 2012), figure 2,
// in the form of "One weird trick for parallelizing convolutional neural networks" (2014),
// https://arxiv.org/abs/1404.5997, section 5: one column, without local response normalisation.
//
// Weights by these names: torchvision's alexnet. For 32×32 pictures the first convolution is 3×3 with stride 1, the
// rest as it is; the last map then has 3×3 pixels.
#include <memory>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/dense_head.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

namespace {

struct AlexNetConfig : ConvNetConfig {
  std::string stem = "imagenet";
  std::vector<int64_t> channels = {64, 192, 384, 256, 256};
  DenseHeadConfig head = {.pool_size = 6};

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("stem", stem, "first convolution: imagenet: 11x11 with stride 4; cifar: 3x3").one_of({"imagenet", "cifar"});
    o("channels", channels, "of the five convolutions").at_least(1).at_most(65536);
    head.visit(o);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (channels.size() != 5) fail_usage("channels takes a number for each of 5 convolutions, not {}", channels.size());
    if (!given.is_set("pool_size") && stem == "cifar") head.pool_size = 3;
  }

  // All as torchvision's start: PyTorch's own.
  nn::Conv2dConfig conv(size_t i) const {
    const int64_t in = i == 0 ? in_chans : channels[i - 1];
    nn::Conv2dConfig conv = {.kernel = 3, .padding = 1, .bias = true};
    if (i == 0 && stem == "imagenet") conv.kernel = 11, conv.stride = 4, conv.padding = 2;
    if (i == 1) conv.kernel = 5, conv.padding = 2;
    conv.weight_init = conv.bias_init = nn::uniform_fan_in(in * conv.kernel * conv.kernel);
    return conv;
  }
};

constexpr ops::PoolOptions kPool = {.kernel = {3, 3}, .stride = {2, 2}};
constexpr bool kPooled[] = {true, true, false, false, true};   // behind each convolution
constexpr const char* kPlaces[] = {"0", "3", "6", "8", "10"};  // among torchvision's features

class AlexNet : public ConvNet {
 public:
  explicit AlexNet(const AlexNetConfig& c) : ConvNet(c, describe("alexnet", c)), head_(c.head) {
    std::vector<std::string> parts;
    for (size_t i = 0; i < c.channels.size(); ++i) {
      convs_.push_back(std::make_unique<nn::Conv2d>(i == 0 ? c.in_chans : c.channels[i - 1], c.channels[i], c.conv(i)));
      add_child(std::string("features.") + kPlaces[i], *convs_.back());
      if (i > 0) parts.push_back(convs_.back()->path());
    }
    const size_t last = c.head.hidden.size();
    const auto name = [&](size_t i) { return "classifier." + std::to_string(i < last ? 3 * i + 1 : 3 * i); };
    nn::DenseClassifierConfig classifier = c.head.classifier(c.channels.back(), c.num_classes, name);
    classifier.drop_inputs = true;
    add_child("", classifier_.emplace(classifier));
    for (size_t i = 0; i < last; ++i) parts.push_back(name(i));
    name_parts(*convs_.front(), parts, name(last));
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    Tensor x = images;
    for (size_t i = 0; i < convs_.size(); ++i) {
      x = nn::conv_act(*convs_[i], x, nn::Activation::relu);  // (B, H/4, W/4, 64) and so on
      if (kPooled[i]) x = ops::max_pool2d(x, kPool);          // half the size
      ops::tap(convs_[i]->path(), x);
    }
    return x;  // (B, 6, 6, 256)
  }
  Tensor forward_head(const Tensor& features) override {
    return classifier_->forward(head_.pool(features));  // (B, K)
  }

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    for (size_t i = 0; i < convs_.size(); ++i) {
      walk.conv(*convs_[i]);
      if (kPooled[i]) walk.pool(kPool);
      walk.step(convs_[i]->path());
    }
    walk.adaptive_pool({head_.pool_size, head_.pool_size}), walk.step("pool");
    walk.classify(*classifier_);
    return std::move(walk).steps();
  }

 private:
  DenseHeadConfig head_;
  std::vector<std::unique_ptr<nn::Conv2d>> convs_;
  std::optional<nn::DenseClassifier> classifier_;
};

}  // namespace

void register_alexnet(Registry& registry) {
  registry.families.add("alexnet",
                        family_of<AlexNet, AlexNetConfig>("alexnet", "AlexNet (Krizhevsky et al., 2012; 2014)."));
  registry.variants.add("alexnet", {"alexnet", "{}", "AlexNet in one column (Krizhevsky, 2014)"});
  registry.variants.add("alexnet_cifar", {"alexnet", R"({"img_size": 32, "num_classes": 10, "stem": "cifar"})",
                                          "AlexNet for 32x32 pictures: one convolution 3x3 in front"});
}

}  // namespace tessera::models
