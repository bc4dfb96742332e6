// Cross-entropies against PyTorch and timm in float64, for ordinary and for extreme logits: tests/golden/train.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/tape.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::test {
namespace {

struct Setting {
  bool soft = false;
  ops::CrossEntropyOptions options = {};
};

// The golden file's names of what is offered here.
std::map<std::string, Setting> settings(int64_t K) {
  Tensor weights = Tensor::empty({K});
  for (int64_t k = 0; k < K; ++k) weights.data()[k] = static_cast<float>(k + 1);
  return {{"cross_entropy", {}},
          {"cross_entropy, reduction sum", {.options = {.divisor = 1}}},
          {"cross_entropy, label_smoothing 0.1", {.options = {.smoothing = 0.1f}}},
          {"timm LabelSmoothingCrossEntropy 0.1", {.options = {.smoothing = 0.1f}}},
          {"cross_entropy, label_smoothing 0.3", {.options = {.smoothing = 0.3f}}},
          {"cross_entropy, class weights 1, 2, 3, …", {.options = {.class_weights = weights}}},
          {"soft targets (timm SoftTargetCrossEntropy)", {.soft = true}},
          {"soft targets, torch label_smoothing 0.1 on top", {.soft = true, .options = {.smoothing = 0.1f}}}};
}

TEST(CrossEntropy, EqualsTheReferenceNumbers) {
  std::ifstream stream(golden_path("train/losses.json"));
  const nlohmann::json golden = nlohmann::json::parse(stream);
  const auto values = golden.at("labels").get<std::vector<int64_t>>();
  const Tensor labels = Tensor::from({static_cast<int64_t>(values.size())}, std::span<const int64_t>(values));
  const Tensor targets = golden_matrix(golden.at("soft_targets"));
  const Tensor ordinary = golden_tensor(detail::golden_tensor_of(golden.at("logits")));  // (4, 7)
  const auto known = settings(ordinary.size(1));
  int compared = 0;
  for (const auto& c : golden.at("cases")) {
    const std::string name = c.at("loss_function"), which = c.at("logits");
    if (!known.count(name)) continue;
    SCOPED_TRACE(name + ", logits: " + which);
    const auto& [soft, options] = known.at(name);
    Tensor logits = which == "formula" ? ordinary.clone() : golden_matrix(golden.at("extreme_logits").at(which));
    logits.set_requires_grad();
    const Tensor loss =
        soft ? ops::soft_cross_entropy(logits, targets, options) : ops::cross_entropy(logits, labels, options);
    EXPECT_NEAR(loss.item() / c.at("loss").get<double>(), 1, 2e-7);
    ops::backward(loss);
    const Tensor expected = golden_matrix(c.at("gradient"));
    for (int64_t i = 0; i < expected.numel(); ++i) EXPECT_NEAR(logits.grad().data()[i], expected.data()[i], 2e-7) << i;
    ++compared;
  }
  EXPECT_EQ(compared, 20);
}

}  // namespace
}  // namespace tessera::test
