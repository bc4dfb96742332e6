#include "tessera/kernels/activation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tessera/kernels/cpu/targets.h"
#include "tests/ref/activation.h"

namespace tessera::kernels {
namespace {

TEST(Activation, NamesAreInTheOrderOfTheEnumeration) {
  for (const auto& [name, activation] : {std::pair{"relu", Activation::relu},
                                         {"gelu_erf", Activation::gelu_erf},
                                         {"gelu_tanh", Activation::gelu_tanh},
                                         {"tanh", Activation::tanh},
                                         {"sigmoid", Activation::sigmoid},
                                         {"silu", Activation::silu},
                                         {"relu6", Activation::relu6},
                                         {"hard_swish", Activation::hard_swish}})
    EXPECT_EQ(activation_named(name), activation) << name;
  EXPECT_EQ(activation_names().size(), 8u);
}

class ActivationOnTarget : public testing::TestWithParam<int64_t> {
 protected:
  void SetUp() override { set_simd_target(GetParam()); }
  void TearDown() override { set_simd_target(0); }
};

std::vector<float> values(const std::vector<float>& x, Activation activation) {
  std::vector<float> y(x.size());
  activation_forward(cpu_context(),
                     {.x = x.data(), .y = y.data(), .n = static_cast<int64_t>(x.size()), .activation = activation});
  return y;
}

std::vector<float> slopes(const std::vector<float>& x, Activation activation) {
  const std::vector<float> ones(x.size(), 1.0f);
  std::vector<float> dx(x.size());
  activation_backward(cpu_context(), {.dy = ones.data(),
                                      .x = x.data(),
                                      .dx = {dx.data()},
                                      .n = static_cast<int64_t>(x.size()),
                                      .activation = activation});
  return dx;
}

std::vector<float> range(float low, float high, int steps) {
  std::vector<float> x;
  for (int i = 0; i <= steps; ++i) x.push_back(low + (high - low) * static_cast<float>(i) / static_cast<float>(steps));
  return x;
}

// The exact GELU without the cancellation of 1 + erf.
double gelu(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }
double gelu_tanh(double x) { return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }

// Relative to the value itself, also far out where it is tiny: e^-20 multiplies the rounding of its exponent by 20.
TEST_P(ActivationOnTarget, IsExactRelativeToTheValue) {
  const auto largest_error = [](const std::vector<float>& x, Activation activation, double (*exact)(double)) {
    const std::vector<float> y = values(x, activation);
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i)
      if (x[i] != 0) worst = std::max(worst, std::abs(y[i] / exact(x[i]) - 1));
    return worst;
  };
  EXPECT_LT(largest_error(range(-1, 8, 90001), Activation::gelu_erf, gelu), 5e-7);
  EXPECT_LT(largest_error(range(-9, -1, 90001), Activation::gelu_erf, gelu), 3e-6);
  EXPECT_LT(largest_error(range(-1, 8, 90001), Activation::gelu_tanh, gelu_tanh), 5e-7);
  EXPECT_LT(largest_error(range(-8, -1, 90001), Activation::gelu_tanh, gelu_tanh), 1e-5);
  EXPECT_LT(largest_error(range(-9, 9, 90001), Activation::tanh, std::tanh), 2e-7);
  EXPECT_LT(largest_error(range(-1e-3f, 1e-3f, 1001), Activation::tanh, std::tanh), 1e-7);
}

TEST_P(ActivationOnTarget, SlopesAreExact) {
  const std::vector<float> x = range(-9, 9, 90001);
  for (const auto activation :
       {Activation::gelu_erf, Activation::gelu_tanh, Activation::tanh, Activation::sigmoid, Activation::silu}) {
    const std::vector<float> dx = slopes(x, activation);
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const test::Dual exact = test::ref_activate(test::Dual(x[i], 1.0), activation);
      worst = std::max(worst, std::abs(dx[i] - exact.derivative));
    }
    EXPECT_LT(worst, 6e-7) << test::name_of(activation);
  }
}

TEST_P(ActivationOnTarget, ReluHasNoSlopeAtZero) {
  EXPECT_EQ(slopes({-1.0f, -0.0f, 0.0f, 1e-30f}, Activation::relu), (std::vector<float>{0, 0, 0, 1}));
}

TEST_P(ActivationOnTarget, ClippedOnesHaveTheirEnds) {
  EXPECT_EQ(values({-1, 0, 5.5f, 6, 7}, Activation::relu6), (std::vector<float>{0, 0, 5.5f, 6, 6}));
  EXPECT_EQ(slopes({-1, 0, 5.5f, 6, 7}, Activation::relu6), (std::vector<float>{0, 0, 1, 0, 0}));
  EXPECT_EQ(values({-4, -3, 0, 4}, Activation::hard_swish), (std::vector<float>{0, 0, 0, 4}));
  EXPECT_EQ(slopes({-4, 0, 4}, Activation::hard_swish), (std::vector<float>{0, 0.5f, 1}));
}

TEST_P(ActivationOnTarget, WhatIsNotANumberIsNotHidden) {
  for (const auto activation : {Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::tanh,
                                Activation::sigmoid, Activation::silu, Activation::relu6, Activation::hard_swish})
    EXPECT_TRUE(std::isnan(values({std::nanf("")}, activation)[0])) << test::name_of(activation);
}

TEST_P(ActivationOnTarget, LargeNumbersSaturate) {
  const float most = std::numeric_limits<float>::max();
  EXPECT_EQ(values({-most, -50, 50, most}, Activation::tanh), (std::vector<float>{-1, -1, 1, 1}));
  for (const auto activation : {Activation::gelu_erf, Activation::gelu_tanh}) {
    const std::vector<float> y = values({-1e5f, -50, 50, 1e5f}, activation);
    for (int i : {0, 1}) EXPECT_EQ(y[static_cast<size_t>(i)], 0.0f) << test::name_of(activation);
    EXPECT_EQ(y[2], 50.0f);
    EXPECT_EQ(y[3], 1e5f);
    EXPECT_EQ(slopes({50, 1e5f}, activation), (std::vector<float>{1, 1}));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ActivationOnTarget, testing::ValuesIn(simd_targets()),
                         [](const auto& info) { return simd_target_name(info.param); });

}  // namespace
}  // namespace tessera::kernels
