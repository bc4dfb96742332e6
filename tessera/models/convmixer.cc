// ConvMixer: Trockman and Kolter, "Patches Are All You Need?" (2022), https://arxiv.org/abs/2201.09792, section 2:
//
//   z_0   = norm(act(patches(X)))                         (1)
//   z'_l  = norm(act(depthwise(z_{l-1}))) + z_{l-1}       (2)
//   z_l   = norm(act(pointwise(z'_l)))                    (3)
//
// with batch normalisation behind the activation, and all maps of one size. Weights by these names: timm's convmixer_*
// (https://huggingface.co/timm), of which convmixer_768_32 has ReLU and the others GELU.
#include <memory>
#include <nlohmann/json.hpp>

#include "tessera/models/conv_net.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/nn/classifier.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::models {
namespace {

struct ConvMixerConfig : ConvNetConfig {
  int64_t dim = 1536;  // h of the paper
  int64_t depth = 20;
  int64_t kernel_size = 9;  // of the depthwise convolutions
  int64_t patch_size = 7;
  std::string act = "gelu_erf";
  double norm_eps = 1e-5;
  double drop_rate = 0;

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o("patch_size", patch_size, "height and width of a patch in pixels").at_least(1).at_most(1024);
    o.section("Mixer");
    o("dim", dim, "channels of every map").at_least(1).at_most(65536);
    o("depth", depth, "number of blocks").at_least(0).at_most(4096);
    o("kernel_size", kernel_size, "height and width of the depthwise convolutions").at_least(1).at_most(1024);
    o("act", act, "activation in front of each norm").one_of(kernels::activation_names());
    o("norm_eps", norm_eps, "epsilon of every batch norm").above(0);
    o.section("Regularisation");
    o("drop_rate", drop_rate, "dropout in front of the head").at_least(0).below(1);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (std::min(img_size[0], img_size[1]) < patch_size)
      fail_usage("patch_size {} is larger than img_size {}x{}", patch_size, img_size[0], img_size[1]);
  }
};

// norm(act(conv(x))) + residual
class Layer : public nn::Module {
 public:
  Layer(int64_t in, nn::Conv2dConfig conv, const nn::ConvNormNames& names, const ConvMixerConfig& c)
      : conv_(in, c.dim, with_starts(in, conv)),
        norm_(c.dim, {.eps = c.norm_eps}),
        activation_(kernels::activation_named(c.act)) {
    add_child(names.conv, conv_);
    add_child(names.norm, norm_);
  }
  // (B, H, W, in) -> (B, H', W', dim)
  Tensor forward(const Tensor& x, const Tensor& residual = {}) const {
    return nn::conv_act_norm(conv_, norm_, x, activation_, residual);
  }
  const nn::Conv2d& conv() const { return conv_; }
  void walk(ShapeWalk& walk) const { walk.conv(conv_), walk.norm(norm_); }

 private:
  static nn::Conv2dConfig with_starts(int64_t in, nn::Conv2dConfig conv) {
    conv.bias = true;
    conv.weight_init = conv.bias_init = nn::uniform_fan_in(in / conv.groups * conv.kernel * conv.kernel);
    return conv;
  }

  nn::Conv2d conv_;
  nn::BatchNorm2d norm_;
  nn::Activation activation_;
};

class Block : public nn::Module {
 public:
  explicit Block(const ConvMixerConfig& c)
      : depthwise_(c.dim, {.kernel = c.kernel_size, .padding = nn::Conv2dConfig::kSame, .groups = c.dim},
                   {"fn.0", "fn.2"}, c),
        pointwise_(c.dim, {.kernel = 1}, {"1", "3"}, c) {
    add_child("0", depthwise_);
    add_child("", pointwise_);
  }
  // (B, H, W, dim) -> (B, H, W, dim)
  Tensor forward(const Tensor& x) const {
    const Tensor mixed = depthwise_.forward(x, x);  // eq. 2
    ops::tap(path("residual"), mixed);
    return pointwise_.forward(mixed);  // eq. 3
  }
  void walk(ShapeWalk& walk) const {
    depthwise_.walk(walk), walk.step(path("depthwise"));
    pointwise_.walk(walk), walk.step(path("pointwise"));
  }

 private:
  Layer depthwise_, pointwise_;
};

class ConvMixer : public ConvNet {
 public:
  explicit ConvMixer(const ConvMixerConfig& c)
      : ConvNet(c, describe("convmixer", c)),
        stem_(c.in_chans, {.kernel = c.patch_size, .stride = c.patch_size}, {"0", "2"}, c),
        head_(c.dim, c.num_classes, {.dropout = c.drop_rate}) {
    add_child("stem", stem_);
    for (int64_t i = 0; i < c.depth; ++i) {
      blocks_.push_back(std::make_unique<Block>(c));
      add_child("blocks." + std::to_string(i), *blocks_.back());
    }
    add_child("head", head_);
    std::vector<std::string> paths;
    for (const auto& block : blocks_) paths.push_back(block->path());
    name_parts(stem_.conv(), paths, head_.path());
  }

  Tensor forward_features(const Tensor& images) override {
    check_images(images);
    Tensor x = stem_.forward(images);  // (B, H, W, C) -> (B, H/p, W/p, dim)
    ops::tap("stem", x);
    for (const auto& block : blocks_) {
      const auto forward = [&block = *block](const Tensor& y) { return block.forward(y); };
      x = recompute() ? ops::checkpoint(forward, x) : forward(x);
      ops::tap(block->path(), x);
    }
    return x;
  }

  Tensor forward_head(const Tensor& features) override { return head_.forward(features); }  // (B, K)

  std::vector<ShapeStep> shapes() override {
    ShapeWalk walk(input());
    stem_.walk(walk), walk.step("stem");
    for (const auto& block : blocks_) block->walk(walk);
    walk.classify(head_);
    return std::move(walk).steps();
  }

 private:
  Layer stem_;
  std::vector<std::unique_ptr<Block>> blocks_;
  nn::PooledClassifier head_;
};

}  // namespace

std::optional<Inferred> infer_convmixer(const Shapes& shapes, const std::string& known);  // convmixer_inferred.cc

void register_convmixer(Registry& registry) {
  registry.families.add(
      "convmixer", family_of<ConvMixer, ConvMixerConfig>(
                       "convmixer", "ConvMixer: depthwise and pointwise convolutions on patches.", infer_convmixer));
  const auto add = [&](const char* name, const char* architecture, const char* about) {
    registry.variants.add(name, {"convmixer", architecture, about});
  };
  add("convmixer_1536_20", R"({"dim": 1536, "depth": 20, "kernel_size": 9, "patch_size": 7})",
      "ConvMixer-1536/20 (Trockman and Kolter, 2022, table 1)");
  add("convmixer_768_32", R"({"dim": 768, "depth": 32, "kernel_size": 7, "patch_size": 7, "act": "relu"})",
      "ConvMixer-768/32, with ReLU (Trockman and Kolter, 2022, table 1)");
  add("convmixer_1024_20_ks9_p14", R"({"dim": 1024, "depth": 20, "kernel_size": 9, "patch_size": 14})",
      "ConvMixer-1024/20 with patches of 14x14 (Trockman and Kolter, 2022, appendix A)");
  add("convmixer_256_8_cifar",
      R"({"img_size": 32, "num_classes": 10, "dim": 256, "depth": 8, "kernel_size": 5, "patch_size": 2})",
      "ConvMixer-256/8 for 32x32 pictures, as in the authors' code (2022)");
  add("convmixer_256_8_ks9_p1_cifar",
      R"({"img_size": 32, "num_classes": 10, "dim": 256, "depth": 8, "kernel_size": 9, "patch_size": 1})",
      "ConvMixer-256/8 for 32x32 pictures, without patches (Trockman and Kolter, 2022, section 3)");
}

}  // namespace tessera::models
