// The formula and the reader of reference models, against values that NumPy computed from formula.py.
#include "tests/golden_model.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support.h"

namespace tessera::test {
namespace {

TEST(GoldenModel, TheFormulaIsTheReferencesFormula) {
  const auto weight = golden_values({"patch_embed.proj.weight", {48, 3, 8, 8}, 0, 0.125, false, {}});
  EXPECT_EQ(weight[0], 0x1.6c6978p-4f);
  EXPECT_EQ(weight[1], 0x1.62fdp-10f);
  EXPECT_EQ(weight[1234], 0x1.f29bfp-6f);
  EXPECT_EQ(weight.back(), -0x1.8c7a2p-4f);
  const auto norm = golden_values({"blocks.0.norm1.weight", {48}, 1, 0.1, false, {}});
  EXPECT_EQ(norm[0], 0x1.f26e28p-1f);
  EXPECT_EQ(norm[1], 0x1.ccf3eep-1f);
  EXPECT_EQ(norm[47], 0x1.10ceecp+0f);
  const auto input = golden_values({"input", {2, 3, 32, 32}, 0, 1.7320508, false, {}});
  EXPECT_EQ(input[5], 0x1.f07e7p-3f);
  EXPECT_NEAR(std::accumulate(input.begin(), input.end(), 0.0), -0x1.59a44116cap+5, 1e-9);
  EXPECT_EQ(golden_values({"count", {2}, 7, 0.5, true, {}}), (std::vector<float>{7, 7}));
}

// Batch normalisation's, which are counted and not trained.
bool is_statistic(const GoldenTensor& tensor) {
  return tensor.integers || tensor.name.ends_with("running_mean") || tensor.name.ends_with("running_var");
}

TEST(GoldenModel, EveryCaseIsRead) {
  int cases = 0, with_gradients = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden_path("models"))) {
    if (entry.path().extension() != ".json" || entry.path().stem() == "parameters") continue;
    const GoldenCase golden = read_golden_case(entry.path());
    SCOPED_TRACE(golden.name);
    ++cases;
    int64_t parameters = 0;
    for (const GoldenTensor& tensor : golden.tensors)
      if (!is_statistic(tensor)) parameters += tensor.shape.numel();
    EXPECT_EQ(parameters, golden.parameters);
    ASSERT_FALSE(golden.inputs.empty());
    EXPECT_EQ(formats::at(golden.expect, "logits").shape[0], golden.inputs[0].shape[0]);
    EXPECT_GE(golden.strict_rel, 4.9e-6);
    EXPECT_LE(golden.strict_rel, golden.logits_rel);
    if (golden.gradients) {
      ++with_gradients;
      int gradients = 0;
      for (const GoldenTensor& tensor : golden.tensors) {
        const formats::Array* gradient = formats::find(golden.gradients->expect, "grad." + tensor.name);
        if (!gradient) continue;  // statistics have none; of larger models some are given
        ++gradients;
        EXPECT_EQ(gradient->shape, tensor.shape);
      }
      EXPECT_GT(gradients, 0);
      EXPECT_EQ(golden.gradients->labels, (std::vector<int64_t>{1, 3}));
    }
  }
  EXPECT_EQ(cases, 85);
  EXPECT_EQ(with_gradients, 13);
}

TEST(GoldenModel, InputsMayBeGivenByValue) {
  const auto path = shared_path("golden/models/tiny_text_relu.json");
  if (!path) GTEST_SKIP() << "shared/golden/models is absent";
  const GoldenCase golden = read_golden_case(*path);
  ASSERT_EQ(golden.inputs.size(), 2u);
  EXPECT_EQ(golden_values(golden.inputs[0])[1], 11.0f);
  EXPECT_EQ(golden_values(golden.inputs[1])[5], 0.0f);
}

TEST(GoldenModel, ErrorsAreRelativeToTheLargest) {
  const auto expected = formats::array_of(std::vector<float>{1, -4}, {2});
  EXPECT_EQ(relative_error(std::vector<float>{1, -4}, expected), 0);
  EXPECT_EQ(relative_error(std::vector<float>{2, -4}, expected), 0.25);
  EXPECT_TRUE(std::isinf(relative_error(std::vector<float>{NAN, -4}, expected)));
  EXPECT_TRUE(std::isinf(relative_error(std::vector<float>{1}, expected)));
}

}  // namespace
}  // namespace tessera::test
