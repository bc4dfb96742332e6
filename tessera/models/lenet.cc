// LeNet-5: LeCun et al., "Gradient-Based Learning Applied to Document Recognition" (Proceedings of the IEEE, 1998),
// figure 2, in the usual modern form: poolings without weights, every map of C3 connected to all of S2, a linear last
// layer, and plain activations instead of 1.7159·tanh(2x/3).
//
// Names are PyTorch's tutorials': conv1, conv2, fc1, fc2, fc3. The form for 32×32 colour pictures is that of
// https://github.com/kuangliu/pytorch-cifar (models/lenet.py): ReLU, maxima instead of means, no padding.
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

namespace {

struct LeNetConfig : ConvNetConfig {
  std::string act = "tanh";
  std::string pool = "avg";
  int64_t padding = 2;  // the paper's pictures are 28×28 within 32×32

  LeNetConfig() { img_size = {28, 28}, in_chans = 1, num_classes = 10; }

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o.section("Network");
    o("act", act, "activation behind every layer but the last").one_of({"tanh", "sigmoid", "relu"});
    o("pool", pool, "the mean or the largest of 2x2 pixels").one_of({"avg", "max"});
    o("padding", padding, "zeros around the picture").at_least(0).at_most(1024);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (pooled(0) < 1 || pooled(1) < 1)
      fail_usage("img_size {}x{} with padding {} is too small for LeNet-5; 16x16 with padding 0 is the least",
                 img_size[0], img_size[1], padding);
  }

  kernels::Activation activation() const {
    using enum kernels::Activation;
    return act == "tanh" ? tanh : act == "sigmoid" ? sigmoid : relu;
  }
  // Rows (axis 0) or columns of S4: a convolution takes 4 away, a pooling half.
  int64_t pooled(size_t axis) const { return ((img_size[axis] + 2 * padding - 4) / 2 - 4) / 2; }
};

constexpr ops::PoolOptions kPool = {.kernel = {2, 2}, .stride = {2, 2}};

nn::Conv2dConfig conv5x5(int64_t in, int64_t padding) {
  const nn::Init start = nn::uniform_fan_in(in * 25);
  return {.kernel = 5, .padding = padding, .bias = true, .weight_init = start, .bias_init = start};
}

class LeNet : public ConvNet {
 public:
  explicit LeNet(const LeNetConfig& c)
      : ConvNet(c, describe("lenet", c)),
        config_(c),
        conv1_(c.in_chans, 6, conv5x5(c.in_chans, c.padding)),
        conv2_(6, 16, conv5x5(6, 0)),
        classifier_({.in = 16 * c.pooled(0) * c.pooled(1),
                     .hidden = {120, 84},
                     .classes = c.num_classes,
                     .names = {"fc1", "fc2", "fc3"},
                     .activation = c.activation()}) {
    add_child("conv1", conv1_);
    add_child("conv2", conv2_);
    add_child("", classifier_);
    name_parts(conv1_, std::vector<std::string>{"conv2", "fc1", "fc2"}, "fc3");
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    TESSERA_CHECK(images.size(1) == config_.img_size[0] && images.size(2) == config_.img_size[1],
                  "LeNet-5 takes pictures of {}x{}, but they are {}x{}; img_size makes it another network",
                  config_.img_size[0], config_.img_size[1], images.size(1), images.size(2));
    const Tensor s2 = stage(conv1_, images, "pool1");  // C1, S2: (B, 28, 28, 6) -> (B, 14, 14, 6)
    return stage(conv2_, s2, "pool2");                 // C3, S4: (B, 10, 10, 16) -> (B, 5, 5, 16)
  }
  // C5, F6 and the output layer: (B, 5, 5, 16) -> (B, 120) -> (B, 84) -> (B, K)
  Tensor forward_head(const Tensor& features) override { return classifier_.forward(features); }

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    walk.conv(conv1_), walk.step("conv1"), walk.pool(kPool), walk.step("pool1");
    walk.conv(conv2_), walk.step("conv2"), walk.pool(kPool), walk.step("pool2");
    walk.classify(classifier_);
    return std::move(walk).steps();
  }

 private:
  // Offers the sums in front of the activation and what the pooling gives.
  Tensor stage(const nn::Conv2d& conv, const Tensor& x, const char* pool) const {
    if (ops::tapped(conv.path())) ops::tap(conv.path(), conv.forward(x));
    const Tensor maps = nn::conv_act(conv, x, config_.activation());
    const Tensor y = config_.pool == "avg" ? ops::avg_pool2d(maps, kPool) : ops::max_pool2d(maps, kPool);
    ops::tap(pool, y);
    return y;
  }

  LeNetConfig config_;
  nn::Conv2d conv1_, conv2_;
  nn::DenseClassifier classifier_;
};

}  // namespace

void register_lenet(Registry& registry) {
  registry.families.add("lenet", family_of<LeNet, LeNetConfig>("lenet", "LeNet-5 (LeCun et al., 1998)."));
  registry.variants.add("lenet5", {"lenet", "{}", "LeNet-5 for 28x28 grey pictures (LeCun et al., 1998)"});
  registry.variants.add("lenet5_cifar",
                        {"lenet", R"({"img_size": 32, "in_chans": 3, "act": "relu", "pool": "max", "padding": 0})",
                         "LeNet-5 for 32x32 colour pictures, with ReLU and maxima"});
}

}  // namespace tessera::models
