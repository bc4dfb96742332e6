// The whole registry, name by name: what every model must be able to do, whatever its family.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

// What a test can afford to compute with; the others are built and described only.
bool is_small(Model& model) { return model.num_parameters() <= 30'000'000 && model.macs() <= 2'500'000'000; }

std::vector<std::string> names_where(bool (*wanted)(Model&)) {
  std::vector<std::string> names;
  for (const std::string& name : registry().variants.names())
    if (wanted(*build(architecture_of(name)))) names.push_back(name);
  return names;
}

class EveryModel : public testing::TestWithParam<std::string> {};

TEST_P(EveryModel, DescribesItself) {
  const auto model = build(architecture_of(GetParam()));
  const std::string architecture = model->architecture();
  EXPECT_EQ(build(architecture)->architecture(), architecture) << "building from it gives the model again";
  int64_t parameters = 0;
  for (const ShapeStep& step : model->shapes()) {
    EXPECT_GT(step.shape.numel(), 0) << step.what;
    parameters += step.parameters;
  }
  EXPECT_EQ(parameters, model->num_parameters()) << "shapes() accounts for every parameter";
  EXPECT_GT(model->macs(), 0);
  std::set<std::string> names;
  for (const nn::Parameter& parameter : model->state())
    EXPECT_TRUE(names.insert(parameter.name).second) << parameter.name << " twice";
  int64_t last = 0;
  for (const nn::Parameter& parameter : model->parameters()) {
    const int64_t layer = model->layer_of(parameter.name);
    EXPECT_GE(layer, 0) << parameter.name;
    EXPECT_LT(layer, model->num_layers()) << parameter.name;
    last = std::max(last, layer);
  }
  if (model->num_classes() > 0) {
    EXPECT_EQ(last, model->num_layers() - 1) << "the last layer has parameters";
  }
  for (const std::string& head : model->head_parameters()) EXPECT_TRUE(names.count(head)) << head;
}

class EverySmallModel : public testing::TestWithParam<std::string> {};

// Weights of a size that keeps activations in range, drawn cheaply.
void fill(Model& model) {
  uint64_t state = 1;
  for (const nn::Parameter& parameter : model.state()) {
    const auto& shape = parameter.tensor->shape();
    const bool statistic = parameter.name.ends_with("running_var");
    const bool gain = shape.rank() == 1 && parameter.name.ends_with("weight");
    const auto fan_in = static_cast<float>(std::max<int64_t>(shape.numel() / shape[0], 1));
    const float middle = statistic || gain ? 1.0f : 0.0f;
    const float width = statistic ? 0.5f : shape.rank() == 1 ? 0.1f : std::sqrt(3.0f / fan_in);
    for (float& value : parameter.tensor->span()) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      value = middle + width * (static_cast<float>(state >> 40) / (1 << 23) - 1);
    }
  }
}

TEST_P(EverySmallModel, ComputesLearnsAndIsStored) {
  const std::string name = GetParam();
  const std::shared_ptr<Model> model = build(architecture_of(name));
  fill(*model);
  const auto [H, W, C] = model->input();
  const Tensor three = test::normal({3, H, W, C}, "pictures"), one = three.rows(0, 1);

  // In use: one picture and three, and again from the file.
  const infer::Classifier classifier(model, {.architecture = model->architecture()});
  const Tensor of_three = classifier.logits(three), of_one = classifier.logits(one);
  ASSERT_EQ(of_three.size(0), 3);
  const int64_t K = of_three.size(1);
  double largest = 0;
  for (float value : of_three.span()) largest = std::max<double>(largest, std::abs(value));
  ASSERT_TRUE(std::isfinite(largest) && largest > 0);
  for (int64_t k = 0; k < K; ++k)
    EXPECT_NEAR(of_three.data()[k], of_one.data()[k], 1e-4 * largest) << "a picture does not see its neighbours";
  const test::TemporaryFolder folder;
  weights::save_model(folder / "m.safetensors", *model, {.architecture = model->architecture()});
  EXPECT_EQ(weights::read_model_info(folder / "m.safetensors").architecture, model->architecture());
  const Tensor again = infer::Classifier::load(folder / "m.safetensors").logits(three);
  EXPECT_EQ(std::memcmp(again.raw(), of_three.raw(), of_three.bytes()), 0) << "the same bits from the file";

  // In training: every parameter gets a gradient.
  for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
  const ops::TrainingState state(ops::Draws{});
  const Model::TrainingOutput output = model->forward_training(three);
  const std::vector<int64_t> labels = {0, 1, 2};
  ops::backward(
      ops::cross_entropy(output.logits, Tensor::from({3}, std::span<const int64_t>(labels)), {.smoothing = 0.1f}));
  for (const nn::Parameter& parameter : model->parameters()) {
    const Tensor gradient = parameter.tensor->grad();
    if (!gradient) {
      EXPECT_TRUE(!output.auxiliary.empty()) << parameter.name << " is not reached";
      continue;
    }
    double sum = 0;
    for (float value : gradient.span()) sum += std::abs(value);
    EXPECT_TRUE(std::isfinite(sum)) << parameter.name;
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryModel, testing::ValuesIn(names_where([](Model&) { return true; })), test_name);
INSTANTIATE_TEST_SUITE_P(Registry, EverySmallModel, testing::ValuesIn(names_where(is_small)), test_name);

}  // namespace
}  // namespace tessera::models
