#include "tessera/train/flat_parameters.h"

#include <gtest/gtest.h>

#include "tessera/ops/tape.h"
#include "tests/train/tiny_model.h"

namespace tessera::train {
namespace {

using test::TinyModel;

void give(const Tensor& parameter, float gradient) {
  ops::GradientOf(parameter).add(Tensor::full(parameter.shape(), gradient));
}

TEST(FlatParameters, KeepsValuesAndMakesTensorsViews) {
  TinyModel model({{"a", {2, 3}}, {"b", {5}}, {"c", {1, 17}}});
  for (size_t i = 0; i < 3; ++i)
    for (int64_t k = 0; k < model.tensor(i).numel(); ++k) model.tensor(i).data()[k] = static_cast<float>(100 * i + k);
  FlatParameters flat(model);
  EXPECT_EQ(flat.size(), 16 + 16 + 32);
  for (size_t i = 0; i < 3; ++i) {
    const auto& slice = flat.slices()[i];
    EXPECT_EQ(slice.begin % 16, 0);
    EXPECT_EQ(model.tensor(i).shape(), slice.shape);
    EXPECT_EQ(model.tensor(i).data(), flat.values().data() + slice.begin);
    EXPECT_EQ(model.tensor(i).data()[slice.size - 1], static_cast<float>(100 * i + slice.size - 1));
  }
  flat.values().data()[16] = 7;
  EXPECT_EQ(model.tensor(1).data()[0], 7);
}

TEST(FlatParameters, BackwardWritesIntoTheFlatGradient) {
  TinyModel model({{"a", {3}}, {"b", {2}}});
  FlatParameters flat(model);
  give(model.tensor(0), 1);
  give(model.tensor(0), 2);
  give(model.tensor(1), 5);
  EXPECT_EQ(flat.gradients().data()[2], 3);
  EXPECT_EQ(flat.gradients().data()[17], 5);
  EXPECT_EQ(model.tensor(0).grad().data(), flat.gradients().data());
}

TEST(FlatParameters, AParameterWithoutAGradientCountsAsZero) {
  TinyModel model({{"a", {3}}, {"b", {2}}});
  FlatParameters flat(model);
  give(model.tensor(0), 1);
  give(model.tensor(1), 5);
  flat.zero_grad();
  give(model.tensor(0), 4);  // writes: the 1 is gone
  EXPECT_EQ(flat.gradients().data()[0], 4);
  EXPECT_EQ(flat.gradients().data()[16], 0);
  EXPECT_EQ(flat.gradients().data()[17], 0);
  give(model.tensor(1), 6);
  EXPECT_EQ(flat.gradients().data()[16], 6);
}

TEST(FlatParameters, FrozenOnesStayOut) {
  TinyModel model({{"a", {3}}, {"b", {2}}});
  model.tensor(0).set_requires_grad();
  const float* before = model.tensor(0).data();
  FlatParameters flat(model, [](const std::string& name) { return name != "a"; });
  ASSERT_EQ(flat.slices().size(), 1u);
  EXPECT_EQ(flat.slices()[0].name, "b");
  EXPECT_EQ(model.tensor(0).data(), before);
  EXPECT_FALSE(model.tensor(0).requires_grad());
  EXPECT_THROW(FlatParameters(model, [](const std::string&) { return false; }), Error);
}

}  // namespace
}  // namespace tessera::train
