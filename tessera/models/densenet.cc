// DenseNet: Huang et al., "Densely Connected Convolutional Networks" (CVPR 2017), https://arxiv.org/abs/1608.06993,
// equation 2 and table 1 (DenseNet-BC): every layer of a block reads the channels of all layers before it, and adds k
// (the growth rate) of its own. A layer is norm, ReLU, convolution 1×1, norm, ReLU, convolution 3×3.
//
// Nothing is ever concatenated: a norm reads the layers' outputs where they lie, normalises with moments that were
// taken when each was made, and writes what its convolution reads (ops/batch_norm_parts.h).
//
// Weights by these names: torchvision's densenet121 … 201. For 32×32 pictures the stem is one convolution 3×3.
#include <algorithm>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/training.h"

namespace tessera::models {

namespace {

using nn::Activation;
using Parts = std::vector<ops::NormPart>;  // what the layers gave so far: (B, H, W, C_i)

struct DenseNetConfig : ConvNetConfig {
  std::string stem = "imagenet";
  int64_t growth_rate = 32;  // k
  std::vector<int64_t> block_config = {6, 12, 24, 16};
  int64_t num_init_features = 64;
  int64_t bn_size = 4;
  double drop_rate = 0;

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("stem", stem, "imagenet: convolution 7x7 and pooling, both with stride 2; cifar: one convolution 3x3")
        .one_of({"imagenet", "cifar"});
    o("growth_rate", growth_rate, "channels that each layer adds (k)").at_least(1).at_most(4096);
    o("block_config", block_config, "layers of each dense block").at_least(1).at_most(1024);
    o("num_init_features", num_init_features, "channels of the stem").at_least(1).at_most(65536);
    o("bn_size", bn_size, "channels between a layer's two convolutions over growth_rate").at_least(1).at_most(1024);
    o.section("Regularisation");
    o("drop_rate", drop_rate, "dropout behind each layer").at_least(0).below(1);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (block_config.empty() || block_config.size() > 16)
      fail_usage("block_config takes the layers of 1 to 16 blocks, not of {}", block_config.size());
  }
};

nn::Conv2dConfig plain(int64_t in, int64_t kernel, int64_t stride = 1) {
  return {.kernel = kernel,
          .stride = stride,
          .padding = kernel / 2,
          .weight_init = nn::kaiming_normal(in * kernel * kernel)};
}

class DenseLayer : public nn::Module {
 public:
  DenseLayer(int64_t in, const DenseNetConfig& c)
      : drop_rate_(static_cast<float>(c.drop_rate)),
        norm1_(in),
        conv1_(in, c.bn_size * c.growth_rate, plain(in, 1)),
        norm2_(c.bn_size * c.growth_rate),
        conv2_(c.bn_size * c.growth_rate, c.growth_rate, plain(c.bn_size * c.growth_rate, 3)) {
    add_child("norm1", norm1_);
    add_child("conv1", conv1_);
    add_child("norm2", norm2_);
    add_child("conv2", conv2_);
  }
  Tensor forward(const Parts& parts) const {
    Tensor y = norm1_.forward(parts, Activation::relu);      // (B, H, W, Σ C_i)
    y = nn::conv_norm(conv1_, norm2_, y, Activation::relu);  // (B, H, W, bn_size·k)
    y = conv2_.forward(y);                                   // (B, H, W, k)
    return ops::dropout(y, drop_rate_, path("drop"));
  }
  bool counts() const { return norm1_.counts(); }
  void walk(ShapeWalk& walk) const { walk.norm(norm1_), walk.conv(conv1_), walk.norm(norm2_), walk.conv(conv2_); }

 private:
  float drop_rate_;
  nn::BatchNorm2d norm1_;
  nn::Conv2d conv1_;
  nn::BatchNorm2d norm2_;
  nn::Conv2d conv2_;
};

class DenseBlock : public nn::Module {
 public:
  DenseBlock(int64_t in, int64_t layers, const DenseNetConfig& c) {
    for (int64_t i = 0; i < layers; ++i) {
      layers_.push_back(std::make_unique<DenseLayer>(in + i * c.growth_rate, c));
      add_child("denselayer" + std::to_string(i + 1), *layers_.back());
    }
  }
  // x (B, H, W, C) -> x and every layer's (B, H, W, k). last: the norm behind the block.
  Parts forward(const Tensor& x, const nn::BatchNorm2d& last) const {
    const bool counts =
        last.counts() || std::any_of(layers_.begin(), layers_.end(), [](const auto& layer) { return layer->counts(); });
    const auto part = [&](const Tensor& y) { return ops::NormPart{y, counts ? ops::moments(y) : Tensor()}; };
    Parts parts = {part(x)};
    for (const auto& layer : layers_) parts.push_back(part(layer->forward(parts)));
    return parts;
  }
  const std::vector<std::unique_ptr<DenseLayer>>& layers() const { return layers_; }

 private:
  std::vector<std::unique_ptr<DenseLayer>> layers_;
};

constexpr ops::PoolOptions kStemPool = {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1, 1, 1}};
constexpr ops::PoolOptions kPool = {.kernel = {2, 2}, .stride = {2, 2}};

// Half the channels, half the size.
class Transition : public nn::Module {
 public:
  explicit Transition(int64_t in) : norm_(in), conv_(in, in / 2, plain(in, 1)) {
    add_child("norm", norm_);
    add_child("conv", conv_);
  }
  // The mean over pixels comes first: the same numbers as behind the convolution, for a quarter of its work.
  Tensor forward(const Parts& parts) const {
    const Tensor y = norm_.forward(parts, Activation::relu);  // (B, H, W, C)
    return conv_.forward(ops::avg_pool2d(y, kPool));          // (B, H/2, W/2, C/2)
  }
  const nn::BatchNorm2d& norm() const { return norm_; }
  void walk(ShapeWalk& walk) const { walk.norm(norm_), walk.conv(conv_), walk.pool(kPool); }  // as the paper counts

 private:
  nn::BatchNorm2d norm_;
  nn::Conv2d conv_;
};

class DenseNet : public ConvNet {
 public:
  explicit DenseNet(const DenseNetConfig& config);
  Tensor forward_features(const Tensor& images) override;
  Tensor forward_head(const Tensor& features) override { return classifier_->forward(features); }
  std::vector<ShapeStep> shapes() override;

 private:
  std::optional<nn::Conv2d> conv0_;
  std::optional<nn::BatchNorm2d> norm0_;  // of the stem with a pooling
  std::vector<std::unique_ptr<DenseBlock>> blocks_;
  std::vector<std::unique_ptr<Transition>> transitions_;  // one behind each block but the last
  std::optional<nn::BatchNorm2d> norm5_;
  std::optional<nn::PooledClassifier> classifier_;
};

DenseNet::DenseNet(const DenseNetConfig& c) : ConvNet(c, describe("densenet", c)) {
  const bool large = c.stem == "imagenet";
  int64_t C = c.num_init_features;
  add_child("features.conv0", conv0_.emplace(c.in_chans, C, large ? plain(c.in_chans, 7, 2) : plain(c.in_chans, 3)));
  if (large) add_child("features.norm0", norm0_.emplace(C));
  std::vector<std::vector<std::string>> parts;
  const auto add = [&](const std::string& name, nn::Module& part) { add_child("features." + name, part); };
  for (size_t i = 0; i < c.block_config.size(); ++i) {
    const std::string number = std::to_string(i + 1);
    add("denseblock" + number, *blocks_.emplace_back(std::make_unique<DenseBlock>(C, c.block_config[i], c)));
    for (const auto& layer : blocks_.back()->layers()) parts.push_back({layer->path()});
    C += c.block_config[i] * c.growth_rate;
    if (i + 1 == c.block_config.size()) break;
    add("transition" + number, *transitions_.emplace_back(std::make_unique<Transition>(C)));
    parts.push_back({transitions_.back()->path()});
    C /= 2;
  }
  add("norm5", norm5_.emplace(C));
  parts.back().push_back(norm5_->path());
  nn::LinearStart start;  // PyTorch's, but for the bias
  start.bias = [](int64_t) { return nn::zeros(); };
  add_child("classifier", classifier_.emplace(C, c.num_classes, nn::PooledClassifierConfig{0, start}));
  name_parts(*conv0_, parts, "classifier");
}

Tensor DenseNet::forward_features(const Tensor& images) {
  check_images(images);
  Tensor x;
  if (norm0_) {
    x = nn::conv_norm(*conv0_, *norm0_, images, Activation::relu);  // (B, H/2, W/2, 2k)
    x = ops::max_pool2d(x, kStemPool);                              // (B, H/4, W/4, 2k)
  } else {
    x = conv0_->forward(images);  // (B, H, W, 2k)
  }
  Parts parts;
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const bool last = i == transitions_.size();
    parts = blocks_[i]->forward(x, last ? *norm5_ : transitions_[i]->norm());  // (B, H, W, C_i) each
    if (last) break;
    x = transitions_[i]->forward(parts);  // (B, H/2, W/2, Σ C_i / 2)
    ops::tap(transitions_[i]->path(), x);
  }
  return norm5_->forward(parts, Activation::relu);  // (B, H', W', Σ C_i)
}

std::vector<ShapeStep> DenseNet::shapes() {
  ShapeWalk walk(input());
  walk.conv(*conv0_);
  if (norm0_) walk.norm(*norm0_), walk.pool(kStemPool);
  walk.step("features.stem");
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Shape joined = walk.shape();
    for (const auto& layer : blocks_[i]->layers()) {
      layer->walk(walk);
      joined[2] += walk.shape()[2];
      walk.from(joined), walk.step(layer->path());
    }
    if (i < transitions_.size()) transitions_[i]->walk(walk), walk.step(transitions_[i]->path());
  }
  walk.norm(*norm5_), walk.step(norm5_->path());
  walk.classify(*classifier_);
  return std::move(walk).steps();
}

}  // namespace

void register_densenet(Registry& registry) {
  registry.families.add("densenet", family_of<DenseNet, DenseNetConfig>("densenet", "DenseNet (Huang et al., 2017)."));
  struct Size {
    int layers, growth_rate, init;
    const char* blocks;
  };
  for (const Size& size : {Size{121, 32, 64, "[6, 12, 24, 16]"},
                           {161, 48, 96, "[6, 12, 36, 24]"},
                           {169, 32, 64, "[6, 12, 32, 32]"},
                           {201, 32, 64, "[6, 12, 48, 32]"}}) {
    const std::string keys = fmt::format(R"("growth_rate": {}, "num_init_features": {}, "block_config": {})",
                                         size.growth_rate, size.init, size.blocks);
    const std::string name = fmt::format("densenet{}", size.layers);
    registry.variants.add(name,
                          {"densenet", "{" + keys + "}", fmt::format("DenseNet-{} (Huang et al., 2017)", size.layers)});
    registry.variants.add(
        name + "_cifar",
        {"densenet", R"({"img_size": 32, "num_classes": 10, "stem": "cifar", )" + keys + "}",
         fmt::format("DenseNet-{} for 32x32 pictures: one convolution 3x3 in front, no pooling", size.layers)});
  }
}

}  // namespace tessera::models
