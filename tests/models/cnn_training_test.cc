// A few steps on a few fixed pictures make the loss smaller: convolutional families in training mode, with dropout,
// stochastic depth, running statistics and heads of training's own.
#include <gtest/gtest.h>

#include <cmath>

#include "tessera/models/registry.h"
#include "tessera/ops/add.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

struct Case {
  const char *name, *architecture;
  double step = 0.2;  // its length
};
class CnnTraining : public testing::TestWithParam<Case> {};

TEST_P(CnnTraining, LowersTheLoss) {
  const auto model = build(GetParam().architecture);
  model->initialise(1);
  const Tensor images = test::normal({8, 32, 32, 3}, "pictures");
  const Tensor labels = Tensor::from({8}, std::vector<int64_t>{0, 1, 2, 3, 4, 0, 1, 2});
  for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
  double first = 0, last = 0;  // of three steps each
  constexpr int kSteps = 20;
  for (int step = 0; step < kSteps; ++step) {
    const ops::TrainingState state(ops::Draws{.seed = 1, .step = static_cast<uint64_t>(step)});
    const Model::TrainingOutput output = model->forward_training(images);
    Tensor loss = ops::cross_entropy(output.logits, labels);
    for (const auto& [other, weight] : output.auxiliary)
      loss =
          ops::add(loss, ops::scale(ops::cross_entropy(other, labels), Tensor::full({1}, static_cast<float>(weight))));
    if (step < 3) first += loss.item();
    if (step >= kSteps - 3) last += loss.item();
    ops::backward(loss);
    double square = 0;
    for (const nn::Parameter& parameter : model->parameters()) {
      ASSERT_TRUE(parameter.tensor->grad()) << parameter.name << " got no gradient";
      for (const float g : parameter.tensor->grad().span()) square += static_cast<double>(g) * g;
    }
    const auto rate = static_cast<float>(GetParam().step / std::sqrt(square));  // steps of one length
    for (const nn::Parameter& parameter : model->parameters()) {
      const Tensor gradient = parameter.tensor->grad();
      for (int64_t i = 0; i < gradient.numel(); ++i) parameter.tensor->data()[i] -= rate * gradient.data()[i];
      ops::zero_grad(*parameter.tensor);
    }
  }
  EXPECT_LT(last, 0.7 * first);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CnnTraining,
    testing::Values(
        Case{"googlenet", R"({"family": "googlenet", "img_size": 32, "num_classes": 5, "aux_logits": true})", 1},
        Case{"densenet", R"({"family": "densenet", "img_size": 32, "num_classes": 5, "stem": "cifar", "drop_rate": 0.1,
                             "growth_rate": 8, "num_init_features": 16, "block_config": [2, 3, 2]})"},
        Case{"mobilenet_v2", R"({"family": "mobilenet_v2", "img_size": 32, "num_classes": 5, "width_mult": 0.25,
                                 "stem_stride": 1, "strides": [1, 1, 2, 2, 1, 2, 1]})",
             0.4},
        Case{"efficientnet", R"({"family": "efficientnet", "img_size": 32, "num_classes": 5, "width_mult": 0.25,
                                 "stem_stride": 1, "strides": [1, 1, 2, 2, 1, 2, 1]})"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tessera::models
