#include "tessera/train/loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/file.h"
#include "tessera/image/mix.h"
#include "tessera/ops/binary_cross_entropy.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/polar.h"
#include "tessera/ops/tape.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

struct Golden {
  json all = json::parse(read_text(test::golden_path("train/losses.json")));
  data::Batch labels, soft, multi;  // with labels; with targets

  Golden() {
    const auto values = all.at("labels").get<std::vector<int64_t>>();
    labels.labels = Tensor::from({std::ssize(values)}, std::span<const int64_t>(values));
    soft.targets = test::golden_matrix(all.at("soft_targets"));
    multi.targets = test::golden_matrix(all.at("multi_label_targets"));
    for (data::Batch* batch : {&labels, &soft, &multi}) batch->images = Tensor::zeros({std::ssize(values), 1, 1, 1});
  }
  Tensor logits(const std::string& which) const {
    return which == "formula" ? test::golden_tensor(test::detail::golden_tensor_of(all.at("logits"))).clone()
                              : test::golden_matrix(all.at("extreme_logits").at(which));
  }
};

struct Setting {
  LossOptions options;
  data::Batch Golden::*batch;
};

// The golden file's names.
std::optional<Setting> setting(const std::string& name) {
  const LossOptions bce{.kind = "bce"};
  LossOptions how = bce;
  if (name == "timm BinaryCrossEntropy, smoothing 0") return Setting{bce, &Golden::labels};
  if (name == "timm BinaryCrossEntropy, soft targets") return Setting{bce, &Golden::soft};
  if (name == "binary cross-entropy, multi-label targets") return Setting{bce, &Golden::multi};
  how.smoothing = 0.1;
  if (name == "timm BinaryCrossEntropy, smoothing 0.1") return Setting{how, &Golden::labels};
  how.sum_classes = true;
  if (name == "timm BinaryCrossEntropy, smoothing 0.1, sum_classes") return Setting{how, &Golden::labels};
  how = bce;
  how.threshold = 0.2;
  if (name == "timm BinaryCrossEntropy, soft targets, target_threshold 0.2") return Setting{how, &Golden::soft};
  if (name == "cross_entropy") return Setting{{}, &Golden::labels};
  return std::nullopt;
}

void expect_loss(const Tensor& loss, const Tensor& logits, const json& c) {
  EXPECT_NEAR(loss.item() / c.at("loss").get<double>(), 1, 3e-7);
  ops::backward(loss);
  const Tensor expected = test::golden_matrix(c.at("gradient"));
  for (int64_t i = 0; i < expected.numel(); ++i) EXPECT_NEAR(logits.grad().data()[i], expected.data()[i], 2e-7) << i;
}

TEST(Loss, EqualsTimmsAndPyTorchs) {
  const Golden golden;
  int compared = 0;
  for (const json& c : golden.all.at("cases")) {
    const std::string name = c.at("loss_function"), which = c.at("logits");
    SCOPED_TRACE(name + ", logits: " + which);
    Tensor logits = golden.logits(which);
    logits.set_requires_grad();
    if (name == "binary cross-entropy, multi-label targets, pos_weight 2") {
      expect_loss(ops::binary_cross_entropy(logits, golden.multi.targets,
                                            {.positive_weights = Tensor::full({logits.size(1)}, 2)}),
                  logits, c);
    } else if (name == "cross_entropy, first label ignored (ignore_index)") {
      Tensor targets = Tensor::empty(logits.shape());  // a row of zeros asks for nothing
      image::mix_targets({}, golden.labels.labels.span<int64_t>(), logits.size(1), 0, targets.data());
      for (int64_t k = 0; k < logits.size(1); ++k) targets.data()[k] = 0;
      expect_loss(ops::soft_cross_entropy(logits, targets, {.divisor = 3}), logits, c);
    } else if (const auto found = setting(name)) {
      const data::Batch& batch = golden.*(found->batch);
      const Loss loss(found->options);
      expect_loss(loss({logits}, batch, 0, loss.divisor(batch, logits.size(1))), logits, c);
    } else {
      continue;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 17);
}

TEST(Loss, PartsSumToTheWhole) {
  const Golden golden;
  const Tensor logits = golden.logits("formula");
  for (const char* kind : {"bce", "cross_entropy"}) {
    for (const data::Batch* batch : {&golden.labels, &golden.soft}) {
      const Loss loss({.kind = kind, .smoothing = 0.1});
      const double divisor = loss.divisor(*batch, logits.size(1));
      const float whole = loss({logits}, *batch, 0, divisor).item();
      const float parts =
          loss({logits.rows(0, 3)}, *batch, 0, divisor).item() + loss({logits.rows(3, 1)}, *batch, 3, divisor).item();
      EXPECT_NEAR(parts, whole, 1e-6);
    }
  }
}

data::Batch labelled(const std::vector<int64_t>& labels) {
  data::Batch batch;
  const auto B = static_cast<int64_t>(labels.size());
  batch.images = Tensor::empty({B, 1, 1, 1});
  batch.labels = Tensor::from({B}, std::span<const int64_t>(labels));
  return batch;
}

// Two samples of two classes, by hand: z = (3i, -4) with label 0 and (1, 2i) with label 1.
TEST(Loss, OfComplexOutputsRewardsThePhaseOfTheRightClass) {
  const Tensor z = Tensor::from({2, 4}, std::vector<float>{0, -4, 3, 0, 1, 0, 0, 2});
  const data::Batch batch = labelled({0, 1});
  const models::Model::TrainingOutput output = {.logits = ops::magnitude(z), .complex_logits = z};
  const double by_magnitude = std::log(1 + std::exp(4.0 - 3)) + std::log(1 + std::exp(1.0 - 2));
  const double phases = M_PI / 2 + M_PI / 2;
  for (const double weight : {1.0, 0.0, 2.5}) {
    const Loss loss({.kind = "complex_cross_entropy", .phase_weight = weight});
    const double divisor = loss.divisor(batch, 2);
    EXPECT_NEAR(loss(output, batch, 0, divisor).item(), (by_magnitude - weight / 2 * phases) / 4, 1e-6);
  }
}

TEST(Loss, OfComplexOutputsNeedsThem) {
  const data::Batch batch = labelled({0});
  const Loss loss({.kind = "complex_cross_entropy"});
  try {
    loss({Tensor::zeros({1, 3})}, batch, 0, 1);
    FAIL() << "real outputs were taken";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("loss complex_cross_entropy reads complex outputs"), std::string::npos);
  }
}

}  // namespace
}  // namespace tessera::train
