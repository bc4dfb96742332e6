// GoogLeNet: Szegedy et al., "Going Deeper with Convolutions" (CVPR 2015), https://arxiv.org/abs/1409.4842, table 1 and
// figure 2b, in torchvision's form: with batch normalisation behind every convolution (Ioffe and Szegedy, 2015), and
// 3×3 convolutions in the branch that the paper has 5×5 in. Section 5: in training two auxiliary classifiers read the
// middle of the network; their losses count 0.3 of the last one's.
//
// Weights by these names: torchvision's googlenet, whose own weights expect pictures in [-1, 1] (transform_input). For
// 32×32 pictures the stem keeps the size.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/models/family.h"
#include "tessera/models/shape_walk.h"
#include "tessera/ops/concat_channels.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/tap.h"

namespace tessera::models {

namespace {

struct GoogLeNetConfig : ConvNetConfig {
  std::string stem = "imagenet";
  bool aux_logits = false;
  bool transform_input = false;
  double dropout = 0.2, dropout_aux = 0.7;

  void visit(Options& o) {
    ConvNetConfig::visit(o);
    o("transform_input", transform_input,
      "pictures come with ImageNet's mean and deviation and are brought to [-1, 1] first");
    o.section("Network");
    o("stem", stem, "imagenet: as in the paper, an eighth of the size; cifar: no strides and poolings")
        .one_of({"imagenet", "cifar"});
    o("aux_logits", aux_logits, "two auxiliary classifiers, for training");
    o.section("Regularisation");
    o("dropout", dropout, "in front of the classifier").at_least(0).below(1);
    o("dropout_aux", dropout_aux, "in front of the auxiliary classifiers").at_least(0).below(1);
  }
  void complete(const Options& given) {
    ConvNetConfig::complete(given);
    if (transform_input && in_chans != 3) fail_usage("transform_input needs in_chans 3, not {}", in_chans);
  }
};

// The paper initialises nothing in particular; this is torchvision's.
std::unique_ptr<nn::ConvNorm> basic_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
  const nn::Conv2dConfig conv = {
      .kernel = kernel, .stride = stride, .padding = kernel / 2, .weight_init = nn::trunc_normal(0.01)};
  return std::make_unique<nn::ConvNorm>(in, out, conv, nn::ConvNormNames{}, nn::Activation::relu,
                                        nn::BatchNormConfig{.eps = 1e-3});
}

constexpr ops::PoolOptions kPool3 = {.kernel = {3, 3}, .stride = {2, 2}, .ceil_mode = true};
constexpr ops::PoolOptions kPool2 = {.kernel = {2, 2}, .stride = {2, 2}, .ceil_mode = true};
constexpr ops::PoolOptions kPoolBranch = {
    .kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1, 1, 1}, .ceil_mode = true};

// A row of table 1: output channels of the branches and of the reductions in front of them.
struct Widths {
  int64_t ch1x1, ch3x3red, ch3x3, ch5x5red, ch5x5, pool_proj;
  int64_t out() const { return ch1x1 + ch3x3 + ch5x5 + pool_proj; }
};

// Figure 2b: four branches whose channels are joined.
class Inception : public nn::Module {
 public:
  Inception(int64_t in, const Widths& w)
      : branch1_(basic_conv(in, w.ch1x1, 1)),
        reduce2_(basic_conv(in, w.ch3x3red, 1)),
        branch2_(basic_conv(w.ch3x3red, w.ch3x3, 3)),
        reduce3_(basic_conv(in, w.ch5x5red, 1)),
        branch3_(basic_conv(w.ch5x5red, w.ch5x5, 3)),
        branch4_(basic_conv(in, w.pool_proj, 1)) {
    add_child("branch1", *branch1_);
    add_child("branch2.0", *reduce2_);
    add_child("branch2.1", *branch2_);
    add_child("branch3.0", *reduce3_);
    add_child("branch3.1", *branch3_);
    add_child("branch4.1", *branch4_);
  }
  // (B, H, W, in) -> (B, H, W, out())
  Tensor forward(const Tensor& x) const {
    return ops::concat_channels({branch1_->forward(x), branch2_->forward(reduce2_->forward(x)),
                                 branch3_->forward(reduce3_->forward(x)),
                                 branch4_->forward(ops::max_pool2d(x, kPoolBranch))});
  }
  void walk(ShapeWalk& walk) const {
    const Shape in = walk.shape();
    int64_t out = 0;
    const auto branch = [&](std::initializer_list<const nn::ConvNorm*> layers) {
      walk.from(in);
      for (const nn::ConvNorm* layer : layers) walk.conv_norm(*layer);
      out += walk.shape()[2];
    };
    branch({branch1_.get()});
    branch({reduce2_.get(), branch2_.get()});
    branch({reduce3_.get(), branch3_.get()});
    branch({branch4_.get()});
    walk.from({in[0], in[1], out});
  }

 private:
  std::unique_ptr<nn::ConvNorm> branch1_, reduce2_, branch2_, reduce3_, branch3_, branch4_;
};

// Section 5, "the exact structure of the extra network on the side".
class AuxiliaryHead : public nn::Module {
 public:
  AuxiliaryHead(int64_t in, const GoogLeNetConfig& c)
      : conv_(basic_conv(in, 128, 1)),
        classifier_({.in = 128 * 4 * 4,
                     .hidden = {1024},
                     .classes = c.num_classes,
                     .names = {"fc1", "fc2"},
                     .dropout = c.dropout_aux,
                     .start = start()}) {
    add_child("conv", *conv_);
    add_child("", classifier_);
  }
  // (B, H, W, in) -> (B, K)
  Tensor forward(const Tensor& x) const {
    return classifier_.forward(conv_->forward(ops::adaptive_avg_pool2d(x, {4, 4})));  // (B, 4, 4, 128) -> (B, K)
  }
  static nn::LinearStart start() {
    nn::LinearStart start;
    start.weight = [](int64_t) { return nn::trunc_normal(0.01); };
    return start;
  }

 private:
  std::unique_ptr<nn::ConvNorm> conv_;
  nn::DenseClassifier classifier_;
};

class GoogLeNet : public ConvNet {
 public:
  explicit GoogLeNet(const GoogLeNetConfig& config);
  Tensor forward_features(const Tensor& images) override { return encode(images, nullptr); }
  Tensor forward_head(const Tensor& features) override { return classifier_->forward(features); }
  TrainingOutput forward_training(const Tensor& images) override;
  std::vector<ShapeStep> shapes() override;
  int64_t layer_of(const std::string& parameter) const override;
  std::vector<std::string> head_parameters() const override;

 private:
  static constexpr double kAuxiliaryWeight = 0.3;

  Tensor encode(const Tensor& images, std::vector<TrainingOutput::Auxiliary>* auxiliary) const;

  GoogLeNetConfig config_;
  std::unique_ptr<nn::ConvNorm> conv1_, conv2_, conv3_;
  std::vector<std::unique_ptr<Inception>> inceptions_;
  std::optional<AuxiliaryHead> aux1_, aux2_;
  std::optional<nn::PooledClassifier> classifier_;
};

// Table 1, with the pooling behind each.
struct Row {
  const char* name;
  Widths widths;
  const ops::PoolOptions* pool = nullptr;
};
constexpr Row kRows[] = {{"inception3a", {64, 96, 128, 16, 32, 32}},
                         {"inception3b", {128, 128, 192, 32, 96, 64}, &kPool3},
                         {"inception4a", {192, 96, 208, 16, 48, 64}},
                         {"inception4b", {160, 112, 224, 24, 64, 64}},
                         {"inception4c", {128, 128, 256, 24, 64, 64}},
                         {"inception4d", {112, 144, 288, 32, 64, 64}},
                         {"inception4e", {256, 160, 320, 32, 128, 128}, &kPool2},
                         {"inception5a", {256, 160, 320, 32, 128, 128}},
                         {"inception5b", {384, 192, 384, 48, 128, 128}}};
constexpr size_t kAux1 = 2, kAux2 = 5;  // the rows that the auxiliary classifiers read

GoogLeNet::GoogLeNet(const GoogLeNetConfig& c) : ConvNet(c, describe("googlenet", c)), config_(c) {
  const bool large = c.stem == "imagenet";
  add_child("conv1", *(conv1_ = large ? basic_conv(c.in_chans, 64, 7, 2) : basic_conv(c.in_chans, 64, 3)));
  add_child("conv2", *(conv2_ = basic_conv(64, 64, 1)));
  add_child("conv3", *(conv3_ = basic_conv(64, 192, 3)));
  std::vector<std::vector<std::string>> parts;
  int64_t C = 192;
  for (const Row& row : kRows) {
    add_child(row.name, *inceptions_.emplace_back(std::make_unique<Inception>(C, row.widths)));
    parts.push_back({row.name});
    C = row.widths.out();
  }
  if (c.aux_logits) {
    add_child("aux1", aux1_.emplace(kRows[kAux1].widths.out(), c));
    add_child("aux2", aux2_.emplace(kRows[kAux2].widths.out(), c));
    parts[kAux1].push_back("aux1"), parts[kAux2].push_back("aux2");
  }
  add_child("fc", classifier_.emplace(C, c.num_classes, nn::PooledClassifierConfig{c.dropout, AuxiliaryHead::start()}));
  name_parts(conv1_->conv(), parts, "fc");
}

// The auxiliary classifiers' last layers tell the classes apart, as the head does.
std::vector<std::string> GoogLeNet::head_parameters() const {
  std::vector<std::string> names = ConvNet::head_parameters();
  if (aux1_ && num_classes() > 0)
    for (const char* last : {"aux1.fc2", "aux2.fc2"})
      for (const char* parameter : {".weight", ".bias"}) names.push_back(std::string(last) + parameter);
  return names;
}

int64_t GoogLeNet::layer_of(const std::string& parameter) const {
  const std::vector<std::string> head = head_parameters();
  return std::count(head.begin(), head.end(), parameter) > 0 ? num_layers() - 1 : ConvNet::layer_of(parameter);
}

// ((x·deviation + mean) - 0.5) / 0.5, with ImageNet's: (B, H, W, 3) -> (B, H, W, 3)
Tensor to_unit_range(const Tensor& images) {
  constexpr float kMean[] = {0.485f, 0.456f, 0.406f}, kDeviation[] = {0.229f, 0.224f, 0.225f};
  const ops::BatchNormState affine = {Tensor::empty({3}), Tensor::empty({3}), Tensor::zeros({3}), Tensor::full({3}, 1)};
  for (int c = 0; c < 3; ++c) {
    affine.gamma.data()[c] = kDeviation[c] / 0.5f;
    affine.beta.data()[c] = (kMean[c] - 0.5f) / 0.5f;
  }
  return ops::batch_norm(images, affine, {.eps = 0});
}

// Where `auxiliary` is given, it gets the auxiliary classifiers' logits.
Tensor GoogLeNet::encode(const Tensor& images, std::vector<TrainingOutput::Auxiliary>* auxiliary) const {
  check_images(images);
  const bool large = config_.stem == "imagenet";
  Tensor x = conv1_->forward(config_.transform_input ? to_unit_range(images) : images);  // (B, H/2, W/2, 64)
  if (large) x = ops::max_pool2d(x, kPool3);                                             // (B, H/4, W/4, 64)
  x = conv3_->forward(conv2_->forward(x));                                               // (B, H/4, W/4, 192)
  if (large) x = ops::max_pool2d(x, kPool3);                                             // (B, H/8, W/8, 192)
  for (size_t i = 0; i < inceptions_.size(); ++i) {
    x = inceptions_[i]->forward(x);  // … (B, H/32, W/32, 1024)
    ops::tap(inceptions_[i]->path(), x);
    if (auxiliary && i == kAux1) auxiliary->push_back({aux1_->forward(x), kAuxiliaryWeight});
    if (auxiliary && i == kAux2) auxiliary->push_back({aux2_->forward(x), kAuxiliaryWeight});
    if (kRows[i].pool) x = ops::max_pool2d(x, *kRows[i].pool);
  }
  return x;
}

Model::TrainingOutput GoogLeNet::forward_training(const Tensor& images) {
  std::vector<TrainingOutput::Auxiliary> auxiliary;
  const Tensor features = encode(images, aux1_ ? &auxiliary : nullptr);
  return {forward_head(features), auxiliary};
}

std::vector<ShapeStep> GoogLeNet::shapes() {
  const bool large = config_.stem == "imagenet";
  ShapeWalk walk(input());
  walk.conv_norm(*conv1_);
  if (large) walk.pool(kPool3);
  walk.step("conv1"), walk.conv_norm(*conv2_), walk.step("conv2"), walk.conv_norm(*conv3_);
  if (large) walk.pool(kPool3);
  walk.step("conv3");
  for (size_t i = 0; i < inceptions_.size(); ++i) {
    inceptions_[i]->walk(walk);
    if (kRows[i].pool) walk.pool(*kRows[i].pool);
    walk.step(kRows[i].name);
  }
  const auto beside = [&](std::optional<AuxiliaryHead>& head) {  // of training alone: no work of a picture's way
    return ShapeStep{head->path(), {num_classes()}, head->num_parameters()};
  };
  std::vector<ShapeStep> steps;
  walk.classify(*classifier_);
  steps = std::move(walk).steps();
  if (aux1_) steps.insert(steps.begin() + 4 + static_cast<int64_t>(std::size(kRows)), {beside(aux1_), beside(aux2_)});
  return steps;
}

std::optional<Inferred> infer_googlenet(const Shapes& shapes, const std::string& known) {
  std::optional<Inferred> inferred = infer_registered(shapes, known, "googlenet");
  if (!inferred) return std::nullopt;
  nlohmann::ordered_json keys = nlohmann::ordered_json::parse(inferred->architecture);
  keys["aux_logits"] = shapes.contains("aux1.fc1.weight");
  if (!nlohmann::json::parse(known).contains("transform_input")) {
    const bool own = keys["num_classes"] == 1000;
    keys["transform_input"] = own;
    inferred->assumed.push_back(
        own ? "a GoogLeNet of 1000 classes is taken for torchvision's own weights, which expect pictures in [-1, 1] "
              "(transform_input); say --set transform_input=false where it is another"
            : "a GoogLeNet of other than 1000 classes is taken for one that was trained anew; say --set "
              "transform_input=true where it came from torchvision's own weights");
  }
  inferred->architecture = keys.dump();
  return inferred;
}

}  // namespace

void register_googlenet(Registry& registry) {
  registry.families.add("googlenet", family_of<GoogLeNet, GoogLeNetConfig>(
                                         "googlenet", "GoogLeNet (Szegedy et al., 2015).", infer_googlenet));
  registry.variants.add("googlenet", {"googlenet", "{}", "GoogLeNet with batch norm (Szegedy et al., 2015)"});
  registry.variants.add("googlenet_cifar", {"googlenet", R"({"img_size": 32, "num_classes": 10, "stem": "cifar"})",
                                            "GoogLeNet for 32x32 pictures: a stem without strides and poolings"});
}

}  // namespace tessera::models
