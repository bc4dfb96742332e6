// VGG: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (ICLR 2015),
// https://arxiv.org/abs/1409.1556, table 1: columns A, B, D and E; `_bn` with batch normalisation behind every
// convolution (Ioffe and Szegedy, 2015).
//
// Weights by these names: torchvision's vgg*. For 32×32 pictures the five poolings leave one pixel, and one linear
// layer is the whole classifier, as in https://github.com/kuangliu/pytorch-cifar (models/vgg.py), with its names.
#include <algorithm>
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

struct VggConfig : ConvNetConfig {
  std::vector<int64_t> layers = {2, 2, 3, 3, 3};
  std::vector<int64_t> channels = {64, 128, 256, 512, 512};
  bool batch_norm = false;
  DenseHeadConfig head = {.pool_size = 7};

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("layers", layers, "convolutions of each stage; a pooling behind it halves the size").at_least(1).at_most(1024);
    o("channels", channels, "of each stage").at_least(1).at_most(65536);
    o("batch_norm", batch_norm, "batch normalisation behind every convolution");
    head.visit(o);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (layers.empty() || layers.size() > 8) fail_usage("layers takes 1 to 8 stages, not {}", layers.size());
    if (channels.size() != layers.size())
      fail_usage("channels takes a number for each of the {} stages of layers, not {}", layers.size(), channels.size());
  }
};

constexpr ops::PoolOptions kPool = {.kernel = {2, 2}, .stride = {2, 2}};

// relu(conv(x)) or relu(norm(conv(x))).
struct Layer {
  Layer(int64_t in, int64_t out, bool batch_norm)
      : conv(in, out, {.kernel = 3, .padding = 1, .bias = true, .weight_init = nn::kaiming_normal(out * 9)}) {
    if (batch_norm) norm.emplace(out);
  }
  Tensor forward(const Tensor& x) const {
    return norm ? nn::conv_norm(conv, *norm, x, nn::Activation::relu) : nn::conv_act(conv, x, nn::Activation::relu);
  }
  nn::Conv2d conv;
  std::optional<nn::BatchNorm2d> norm;
};

class Vgg : public ConvNet {
 public:
  explicit Vgg(const VggConfig& c) : ConvNet(c, describe("vgg", c)), head_(c.head) {
    std::vector<std::vector<std::string>> parts;
    int64_t in = c.in_chans, place = 0;
    // A module of torchvision's `features`; activations and poolings have places too.
    const auto add = [&](nn::Module& module) {
      add_child("features." + std::to_string(place++), module);
      return module.path();
    };
    for (size_t stage = 0; stage < c.layers.size(); ++stage) {
      stages_.emplace_back();
      for (int64_t i = 0; i < c.layers[stage]; ++i) {
        Layer& layer = *stages_.back().emplace_back(std::make_unique<Layer>(in, c.channels[stage], c.batch_norm));
        std::vector<std::string> part = {add(layer.conv)};
        if (layer.norm) part.push_back(add(*layer.norm));
        ++place;
        if (stages_.size() > 1 || i > 0) parts.push_back(part);  // the first is the stem
        in = c.channels[stage];
      }
      ++place;
    }
    const size_t last = c.head.hidden.size();
    const auto name = [&](size_t i) { return last == 0 ? "classifier" : "classifier." + std::to_string(3 * i); };
    nn::DenseClassifierConfig classifier = c.head.classifier(in, c.num_classes, name);
    classifier.start = nn::normal_start(0.01);
    add_child("", classifier_.emplace(classifier));
    for (size_t i = 0; i < last; ++i) parts.push_back({name(i)});
    name_parts(stages_.front().front()->conv, parts, name(last));
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    Tensor x = images;
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      for (const auto& layer : stages_[stage]) x = layer->forward(x);  // (B, H, W, channels[stage])
      x = ops::max_pool2d(x, kPool);                                   // (B, H/2, W/2, channels[stage])
      ops::tap("stages." + std::to_string(stage), x);
    }
    return x;  // (B, H/32, W/32, 512)
  }
  Tensor forward_head(const Tensor& features) override {
    return classifier_->forward(head_.pool(features));  // (B, K)
  }

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    for (const auto& stage : stages_)
      for (const auto& layer : stage) {
        walk.conv(layer->conv);
        if (layer->norm) walk.norm(*layer->norm);
        if (layer == stage.back()) walk.pool(kPool);
        walk.step(layer->conv.path());
      }
    walk.adaptive_pool({head_.pool_size, head_.pool_size}), walk.step("pool");
    walk.classify(*classifier_);
    return std::move(walk).steps();
  }

 private:
  DenseHeadConfig head_;
  std::vector<std::vector<std::unique_ptr<Layer>>> stages_;
  std::optional<nn::DenseClassifier> classifier_;
};

}  // namespace

void register_vgg(Registry& registry) {
  registry.families.add("vgg", family_of<Vgg, VggConfig>("vgg", "VGG (Simonyan and Zisserman, 2015)."));
  struct Column {
    const char *name, *layers, *letter;
  };
  for (const auto& [name, layers, letter] : {Column{"vgg11", "[1, 1, 2, 2, 2]", "A"},
                                             {"vgg13", "[2, 2, 2, 2, 2]", "B"},
                                             {"vgg16", "[2, 2, 3, 3, 3]", "D"},
                                             {"vgg19", "[2, 2, 4, 4, 4]", "E"}})
    for (const bool norm : {false, true}) {
      const std::string full = std::string(name) + (norm ? "_bn" : "");
      const std::string keys = fmt::format(R"("layers": {}, "batch_norm": {})", layers, norm);
      const std::string about = fmt::format("VGG (Simonyan and Zisserman, 2015, table 1, column {}){}", letter,
                                            norm ? " with batch normalisation" : "");
      registry.variants.add(full, {"vgg", "{" + keys + "}", about});
      registry.variants.add(
          full + "_cifar", {"vgg", R"({"img_size": 32, "num_classes": 10, "pool_size": 1, "hidden": [], )" + keys + "}",
                            about + " for 32x32 pictures: one linear layer behind the convolutions"});
    }
}

}  // namespace tessera::models
