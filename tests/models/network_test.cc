// Networks that are written down layer by layer: shapes, parameters, what is computed, and what is refused.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/nn/conv2d.h"
#include "tessera/nn/inverted_residual.h"
#include "tessera/ops/add.h"
#include "tessera/ops/attention.h"
#include "tessera/ops/concat_channels.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/flatten.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/layer_norm.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/pooling.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/scale_channels.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

using kernels::Activation;
using Tensors = std::map<std::string, Tensor>;

// keys: of the JSON object, behind the family.
std::unique_ptr<Model> network(const std::string& keys) { return build(R"({"family": "network", )" + keys + "}"); }
std::unique_ptr<Model> of_layers(const std::string& layers,
                                 const std::string& rest = R"("img_size": 8, "in_chans": 3)") {
  return network(rest + R"(, "layers": )" + layers);
}

// Numbers that matter in every parameter and statistic.
void stir(Model& model) {
  model.initialise(3);
  for (const nn::Parameter& parameter : model.state()) {
    Random random(9, parameter.name);
    for (float& value : parameter.tensor->span()) value += static_cast<float>(0.1 * std::abs(random.normal()));
  }
}

Tensors tensors_of(Model& model) {
  Tensors tensors;
  for (const nn::Parameter& parameter : model.state()) tensors[parameter.name] = *parameter.tensor;
  return tensors;
}

Tensor logits_in_use(Model& model, const Tensor& x) {
  kernels::FrozenWeights frozen;
  for (const nn::Parameter& parameter : model.state())
    frozen.add({parameter.tensor->raw(), parameter.tensor->bytes()}, false);
  const ops::NoGrad no_grad;
  const ops::Frozen in_use(frozen);
  return model.forward(x);
}

Tensor logits(Model& model, const Tensor& x) {
  const ops::NoGrad no_grad;
  return model.forward(x);
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) largest = std::max<double>(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest;
}

TEST(Network, InfersShapesAndCountsParameters) {
  const auto model = network(R"("img_size": [17, 12], "in_chans": 2, "num_classes": 5, "layers": [
      "conv 6 3x3 stride=2, bn, relu", "depthwise 3x3 bias=false", "max_pool 3x3 stride=2 padding=1", "conv 4 2x2 padding=0 groups=2",
      {"residual": ["conv 4 1x1"]}, "se 2", "flatten", "linear 7, tanh, dropout 0.5, linear classes bias=false"])");
  std::map<std::string, ShapeStep> steps;
  int64_t parameters = 0, macs = 0;
  for (const ShapeStep& step : model->shapes()) {
    steps[step.what] = step;
    parameters += step.parameters, macs += step.macs;
  }
  const auto shape = [&](const std::string& what) { return steps.at(what).shape; };
  EXPECT_EQ(shape("layers.0 conv 6 3x3 stride=2, bn, relu"), (Shape{9, 6, 6}));
  EXPECT_EQ(shape("layers.3 depthwise 3x3 bias=false"), (Shape{9, 6, 6}));
  EXPECT_EQ(shape("layers.4 max_pool 3x3 stride=2 padding=1"), (Shape{5, 3, 6}));
  EXPECT_EQ(shape("layers.5 conv 4 2x2 padding=0 groups=2"), (Shape{4, 2, 4}));
  EXPECT_EQ(shape("layers.6.residual.0 conv 4 1x1"), (Shape{4, 2, 4}));
  EXPECT_EQ(shape("layers.8 flatten"), (Shape{32}));
  EXPECT_EQ(shape("layers.12 linear classes bias=false"), (Shape{5}));
  const int64_t conv1 = 6 * 2 * 9 + 12, depthwise = 6 * 9, conv2 = 4 * 3 * 4 + 4, conv3 = 4 * 4 + 4;
  const int64_t se = 2 * (4 * 2) + 2 + 4, linear = 32 * 7 + 7 + 7 * 5;
  EXPECT_EQ(model->num_parameters(), conv1 + depthwise + conv2 + conv3 + se + linear);
  EXPECT_EQ(parameters, model->num_parameters());
  EXPECT_EQ(macs, 54 * (6 * 2 * 9) + 54 * (6 * 9) + 8 * (4 * 3 * 4) + 8 * 16 + 16 + 32 * 7 + 35);
  EXPECT_EQ(model->num_classes(), 5);
  EXPECT_EQ(model->head_parameters(), std::vector<std::string>{"layers.12.weight"});
  EXPECT_EQ(model->layer_of("layers.1.weight"), 0) << "a norm belongs to its convolution";
  EXPECT_EQ(model->layer_of("layers.12.weight"), model->num_layers() - 1);
}

// The same weights through the operations themselves.
TEST(Network, ComputesWhatItsLayersSay) {
  const auto model = of_layers(R"(["conv 8 3x3, bn, relu",
      {"residual": ["conv 8 3x3, bn, silu", "conv 8 3x3 groups=4, bn"], "shortcut": ["conv 8 1x1"]}, "gelu",
      "depthwise 4x4, relu6, bn",
      {"concat": [["conv 3 1x1"], ["avg_pool 3x3 stride=1 padding=1", "conv 5 1x1, hard_swish"], []]},
      "se 4 act=silu", "max_pool 2x2", "bn, tanh", "global_pool", "linear 6, sigmoid", "linear 4"])");
  stir(*model);
  const Tensors w = tensors_of(*model);
  const Tensor x = test::normal({2, 8, 8, 3}, "x");
  const auto conv = [&](const Tensor& in, const std::string& name, const ops::Conv2dOptions& options) {
    const auto bias = w.find(name + ".bias");
    return ops::conv2d(in, w.at(name + ".weight"), bias == w.end() ? Tensor() : bias->second, options);
  };
  const auto norm = [&](const Tensor& in, const std::string& name) {
    return ops::batch_norm(
        in, {w.at(name + ".weight"), w.at(name + ".bias"), w.at(name + ".running_mean"), w.at(name + ".running_var")},
        {});
  };
  const auto linear = [&](const Tensor& in, const std::string& name) {
    const Tensor& weight = w.at(name + ".weight");
    return ops::linear(in, weight.reshape({weight.size(0), weight.numel() / weight.size(0)}), w.at(name + ".bias"));
  };
  const ops::Conv2dOptions plain, same = {.padding = {1, 1, 1, 1}};
  const ops::NoGrad no_grad;
  Tensor y = ops::activate(norm(conv(x, "layers.0", same), "layers.1"), Activation::relu);
  Tensor inner = ops::activate(norm(conv(y, "layers.3.residual.0", same), "layers.3.residual.1"), Activation::silu);
  ops::Conv2dOptions grouped = same;
  grouped.groups = 4;
  inner = norm(conv(inner, "layers.3.residual.3", grouped), "layers.3.residual.4");
  y = ops::activate(ops::add(inner, conv(y, "layers.3.shortcut.0", plain)), Activation::gelu_erf);
  const ops::Conv2dOptions even = {.padding = {.top = 1, .left = 1, .bottom = 2, .right = 2}, .groups = 8};
  y = norm(ops::activate(conv(y, "layers.5", even), Activation::relu6), "layers.7");
  const Tensor means = ops::avg_pool2d(y, {.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1, 1, 1}});
  const Tensor branch = ops::activate(conv(means, "layers.8.concat.1.1", plain), Activation::hard_swish);
  y = ops::concat_channels({conv(y, "layers.8.concat.0.0", plain), branch, y});  // 3 + 5 + 8 channels
  const Tensor squeezed = ops::activate(linear(ops::global_avg_pool2d(y), "layers.9.fc1"), Activation::silu);
  y = ops::scale_channels(y, ops::activate(linear(squeezed, "layers.9.fc2"), Activation::sigmoid));
  y = ops::max_pool2d(y, {.kernel = {2, 2}, .stride = {2, 2}});
  y = ops::global_avg_pool2d(ops::activate(norm(y, "layers.11"), Activation::tanh));
  y = linear(ops::activate(linear(y, "layers.14"), Activation::sigmoid), "layers.16");
  EXPECT_LE(largest_difference(logits(*model, x), y), 1e-5);
  EXPECT_LE(largest_difference(logits_in_use(*model, x), y), 1e-5);
  EXPECT_LE(largest_difference(logits_in_use(*model, x), y), 1e-5) << "used again";
}

// A small Vision Transformer out of a user's block.
TEST(Network, ComputesTokensLikeTheVisionTransformer) {
  const auto vit =
      build(R"({"family": "vit", "img_size": 8, "patch_size": 4, "embed_dim": 12, "depth": 2, "num_heads": 3,
      "mlp_ratio": 2, "num_classes": 5, "class_token": false, "global_pool": "avg", "fc_norm": false})");
  const auto model = network(R"("img_size": 8, "num_classes": 5, "blocks": {"block": [
      {"residual": ["layer_norm eps=1e-6", "attention {heads}"]},
      {"residual": ["layer_norm eps=1e-6, linear {hidden}, gelu, linear {width}"]}]},
      "layers": ["conv 12 4x4 stride=4 padding=0, tokens, positions",
      {"layers": ["block heads=3 width=12 hidden=24"], "repeat": 2}, "layer_norm eps=1e-6, global_pool, linear classes"])");
  stir(*vit);
  std::vector<Tensor> values;  // the network's convolution comes first, ViT's positions
  for (const nn::Parameter& parameter : vit->state()) values.push_back(*parameter.tensor);
  std::rotate(values.begin(), values.begin() + 1, values.begin() + 3);
  const std::vector<nn::Parameter> ours = model->state();
  ASSERT_EQ(ours.size(), values.size());
  for (size_t i = 0; i < ours.size(); ++i) *ours[i].tensor = values[i].reshape(ours[i].tensor->shape());
  const Tensor x = test::normal({2, 8, 8, 3}, "x");
  EXPECT_LE(largest_difference(logits(*model, x), logits(*vit, x)), 1e-5);
  EXPECT_FALSE(model->products().empty());
  EXPECT_TRUE(model->no_weight_decay("layers.2.positions"));
}

// recipes/networks: a network in words against the one in C++, in use and in training.
TEST(Network, EqualsResNet18) {
  const auto recipe = std::filesystem::path(TESSERA_SOURCE_DIR) / "recipes" / "networks" / "resnet18_cifar.toml";
  const auto model = build(with_settings(read_architecture(recipe.string()), {{"img_size", "16"}}));
  const auto resnet = build(with_settings(architecture_of("resnet18_cifar"), {{"img_size", "16"}}));
  stir(*resnet);
  const std::vector<nn::Parameter> ours = model->state(), theirs = resnet->state();
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); ++i) *ours[i].tensor = theirs[i].tensor->clone().reshape(ours[i].tensor->shape());
  const Tensor x = test::normal({2, 16, 16, 3}, "x");
  const Tensor expected = logits(*resnet, x);
  const double scale = std::abs(*std::max_element(expected.span().begin(), expected.span().end()));
  EXPECT_LE(largest_difference(logits(*model, x), expected), 1e-5 * scale);
  EXPECT_LE(largest_difference(logits_in_use(*model, x), expected), 1e-4 * scale);

  const auto learn = [&](Model& learner) {
    for (const nn::Parameter& parameter : learner.parameters()) parameter.tensor->set_requires_grad();
    const ops::TrainingState state(ops::Draws{});
    const std::vector<int64_t> labels = {1, 3};
    ops::backward(ops::cross_entropy(learner.forward(x), Tensor::from({2}, std::span<const int64_t>(labels))));
  };
  learn(*model), learn(*resnet);
  for (size_t i = 0; i < ours.size(); ++i) {
    const bool statistic = !ours[i].tensor->requires_grad();
    const Tensor a = statistic ? *ours[i].tensor : ours[i].tensor->grad();
    const Tensor b = statistic ? *theirs[i].tensor : theirs[i].tensor->grad();
    ASSERT_TRUE(a && b) << ours[i].name;
    double largest = 1e-3;
    for (float value : b.span()) largest = std::max<double>(largest, std::abs(value));
    EXPECT_LE(largest_difference(a, b.reshape(a.shape())), 1e-4 * largest) << ours[i].name;
  }
}

TEST(Network, IsStoredAsItWasWritten) {
  const test::TemporaryFolder folder;
  const std::shared_ptr<Model> model = network(R"("img_size": 8, "num_classes": 3,
      "blocks": {"unit": ["conv {width} 3x3 stride={stride=1}, bn, relu"]},
      "layers": ["unit width=4", {"layers": ["unit width=8 stride=2"], "repeat": 2}, "global_pool, dropout 0.3, linear classes"])");
  stir(*model);
  const auto stored = nlohmann::json::parse(model->architecture());
  EXPECT_EQ(stored["layers"][1]["layers"][0], "unit width=8 stride=2");
  EXPECT_EQ(build(model->architecture())->architecture(), model->architecture());
  weights::save_model(folder / "m.safetensors", *model, {.architecture = model->architecture()});
  const infer::Classifier loaded = infer::Classifier::load(folder / "m.safetensors");
  const Tensor x = test::normal({2, 8, 8, 3}, "x");
  EXPECT_EQ(largest_difference(loaded.logits(x), logits_in_use(*model, x)), 0);
  const auto five = build(with_settings(model->architecture(), {{"num_classes", "5"}}));
  EXPECT_EQ(five->num_classes(), 5);
  EXPECT_EQ(build(with_settings(model->architecture(), {{"num_classes", "0"}}))->shapes().back().shape, (Shape{8}));
}

TEST(Network, TakesPicturesOfOtherSizesWhereItCan) {
  const auto pooled = of_layers(R"(["conv 4 3x3, relu, global_pool, linear 2"])");
  const auto flat = of_layers(R"(["conv 4 3x3, relu, flatten, linear 2"])");
  pooled->initialise(0), flat->initialise(0);
  const Tensor large = test::normal({1, 11, 9, 3}, "x");
  EXPECT_EQ(logits(*pooled, large).shape(), (Shape{1, 2}));
  EXPECT_NE(test::error_of([&] { logits(*flat, large); }).find("must be (B, 8, 8, 3)"), std::string::npos);
}

TEST(Network, DropsPathsInTrainingAlone) {
  const auto model = of_layers(R"([{"residual": ["conv 3 3x3"], "drop_path": 0.5}, "global_pool"])");
  stir(*model);
  const Tensor x = test::normal({16, 8, 8, 3}, "x");
  const ops::NoGrad no_grad;
  const Tensor whole = model->forward(x);
  const ops::TrainingState state(ops::Draws{});
  const Tensor dropped = model->forward(x), alone = ops::global_avg_pool2d(x);
  int left_out = 0;
  for (int64_t b = 0; b < 16; ++b) left_out += std::abs(dropped.data()[b * 3] - alone.data()[b * 3]) < 1e-6 ? 1 : 0;
  EXPECT_GT(left_out, 2);
  EXPECT_LT(left_out, 14);
  EXPECT_GT(largest_difference(whole, dropped), 1e-3);
}

struct Wrong {
  const char* layers;
  const char* message;
};

TEST(Network, SaysWhereAndWhatIsWrong) {
  for (const auto& [layers, message] : std::initializer_list<Wrong>{
           {R"([])", "layers: a list of layers is needed"},
           {R"("conv 4 3x3")", "layers: a list of layers belongs here"},
           {R"(["relu", "lineer 10"])", "layers[1]: lineer 10: there is no layer 'lineer', did you mean 'linear'?"},
           {R"(["relu, conv 64 3x"])", "layers[0]: conv 64 3x: a square such as 3x3 belongs in the place of '3x'"},
           {R"(["conv 64"])", "layers[0]: conv 64: something is missing; it is conv WIDTH KxK"},
           {R"(["conv 64 3x3 strid=2"])",
            "layers[0]: conv 64 3x3 strid=2: unknown option 'strid', did you mean 'stride'?"},
           {R"(["conv 64 3x3 7"])", "'7' is one word too many"},
           {R"(["conv 0 3x3"])", "'0' must be a whole number from 1"},
           {R"(["conv 64 3x3 stride=two"])", "stride must be a whole number from 1 to 65536, not 'two'"},
           {R"(["conv 64 3x3 groups=2"])", "2 groups do not divide 3 and 64 channels"},
           {R"(["conv 64 9x9 padding=0"])", "layers[0]: conv 64 9x9 padding=0: no window fits into 8x8 pixels"},
           {R"(["max_pool 2x2 padding=2"])", "padding must be less than the window"},
           {R"(["relu", "linear 10"])", "layers[1]: linear 10: it takes a vector or tokens; put \"global_pool\""},
           {R"(["global_pool", "conv 3 3x3"])",
            "layers[1]: conv 3 3x3: it takes a map (height, width, channels), but (3) comes"},
           {R"(["tokens", "attention 2"])", "2 heads do not divide the width 3"},
           {R"(["dropout 1.5"])", "'1.5' must be at least 0 and below 1"},
           {R"(["relu",, "relu"])", "an architecture must be a JSON object"},
           {R"(["relu,,relu"])", "layers[0]: there is no layer between two commas"},
           {R"([7])", "layers[0]: a layer is a text or a table, but this is 7"},
           {R"([{"residuals": []}])", "layers[0]: a table of layers has one of the keys residual, concat and layers"},
           {R"([{"residual": ["conv 4 3x3"]}])",
            "layers[0]: residual: its layers give (8, 8, 4), but what is added to them is (8, 8, 3); say shortcut"},
           {R"([{"residual": ["conv 3 3x3", "conv 3 3x"]}])", "layers[0].residual[1]: conv 3 3x:"},
           {R"([{"residual": [], "shortcuts": []}])", "unknown key 'shortcuts', did you mean 'shortcut'?"},
           {R"([{"concat": [["conv 4 3x3"], ["conv 4 3x3 stride=2"]]}])", "its branches differ in more than channels"},
           {R"([{"concat": [["relu"], ["conv 4"]]}])", "layers[0].concat[1][0]: conv 4: something is missing"},
           {R"([{"layers": ["relu"], "repeat": 0}])", "repeat must be a whole number from 1"},
           {R"(["unit"])", "layers[0]: unit: the block 'unit' needs width=…"},
           {R"(["unit width=4 depth=2"])", "the block 'unit' has no {depth}"},
           {R"(["unit width=x"])", "layers[0] unit[0]: conv x 3x3: 'x' must be a whole number"},
           {R"(["loop"])", "blocks and tables stand more than 32 deep in each other"},
           {R"(["conv 4 3x3"])", "layers: they give (8, 8, 4), but num_classes is 2; end with \"global_pool\""},
           {R"(["global_pool, linear 10"])", "layers: they give (10), but num_classes is 2; write \"linear classes\""},
       }) {
    const std::string keys = R"("img_size": 8, "num_classes": 2, "layers": )" + std::string(layers) +
                             R"(, "blocks": {"unit": ["conv {width} 3x3"], "loop": ["loop"]})";
    const std::string error = test::error_of([&] { network(keys); });
    EXPECT_NE(error.find(message), std::string::npos) << layers << "\n  said: " << error;
  }
}

}  // namespace
}  // namespace tessera::models
