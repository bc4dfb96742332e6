// Products of bf16: exact where nothing is lost by rounding, near elsewhere, forward and backward.
#include "tessera/ops/precision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tessera/core/random.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/matmul.h"
#include "tessera/kernels/narrow.h"
#include "tessera/ops/layer_norm.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/tape.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

using test::normal;

float value_of(bf16 half) {
  const uint32_t bits = uint32_t{half.bits} << 16;
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}

TEST(Narrow, RoundsToTheNearestEvenOnEveryTarget) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const float one_and = 1 + 1 / 128.0f;  // the next bf16 after 1
  const std::vector<std::pair<float, float>> cases = {{0.0f, 0.0f},
                                                      {-0.0f, -0.0f},
                                                      {1.0f, 1.0f},
                                                      {1 + 1 / 256.0f, 1.0f},
                                                      {one_and + 1 / 256.0f, 1 + 2 / 128.0f},
                                                      {inf, inf},
                                                      {-inf, -inf},
                                                      {3.4e38f, inf},
                                                      {1 + 1.01f / 256, one_and},
                                                      {-1 - 1.01f / 256, -one_and},
                                                      {1e-40f, std::ldexp(1.0f, -133)}};
  for (const int64_t target : kernels::simd_targets()) {
    kernels::set_simd_target(target);
    SCOPED_TRACE(kernels::simd_target_name(target));
    for (size_t repeat = 1; repeat <= 40; ++repeat) {  // whole vectors and parts
      std::vector<float> x;
      for (size_t i = 0; i < repeat; ++i) x.push_back(cases[i % cases.size()].first);
      x.push_back(nan);
      std::vector<bf16> y(x.size());
      kernels::narrow(kernels::cpu_context(), {.x = x.data(), .y = y.data(), .n = static_cast<int64_t>(x.size())});
      for (size_t i = 0; i < repeat; ++i) {
        const float expected = cases[i % cases.size()].second;
        EXPECT_EQ(value_of(y[i]), expected) << x[i];
        EXPECT_EQ(std::signbit(value_of(y[i])), std::signbit(expected));
      }
      EXPECT_TRUE(std::isnan(value_of(y.back())));
    }
  }
  kernels::set_simd_target(0);
}

class Bf16 : public testing::Test {
 protected:
  void SetUp() override {
    if (!kernels::has_bf16_products()) GTEST_SKIP() << "no AVX512_BF16 on this machine";
  }
};

// Whole numbers up to 16, which bf16 holds as they are.
Tensor whole_numbers(Shape shape, std::string_view purpose) {
  Random random(3, purpose);
  const Tensor x = Tensor::empty(std::move(shape));
  for (float& value : x.span()) value = static_cast<float>(random.below(33)) - 16;
  return x;
}

struct Layer {
  Tensor y, dx, dw, dbias;
};

Layer run(Precision precision, const Tensor& x0, const Tensor& w0, const Tensor& bias0, const Tensor& dy,
          const LinearOptions& options) {
  const WithPrecision scope(precision);
  Tensor x = x0.clone(), w = w0.clone(), bias = bias0.clone();
  for (Tensor* t : {&x, &w, &bias}) t->set_requires_grad();
  const Tensor y = linear(x, w, bias, options);
  backward(y, dy);
  return {y, x.grad(), w.grad(), bias.grad()};
}

TEST_F(Bf16, ALinearLayerOfNumbersThatItHoldsIsExact) {
  for (const int64_t rows : {1, 7, 130, 1030}) {
    const int64_t N = 40, K = 24;
    const Tensor x = whole_numbers({rows, K}, "x"), w = whole_numbers({N, K}, "w"), bias = whole_numbers({N}, "bias");
    const Tensor dy = whole_numbers({rows, N}, "dy"), residual = whole_numbers({rows, N}, "residual");
    const LinearOptions options = {.residual = residual};
    const Layer exact = run(Precision::f32, x, w, bias, dy, options);
    const Layer narrow = run(Precision::bf16, x, w, bias, dy, options);
    for (const Tensor Layer::*part : {&Layer::y, &Layer::dx, &Layer::dw, &Layer::dbias}) {
      const auto a = (exact.*part).span(), b = (narrow.*part).span();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << rows;
    }
  }
}

double relative_error(const Tensor& a, const Tensor& b) {
  double squares = 0, error = 0;
  for (int64_t i = 0; i < a.numel(); ++i) {
    squares += std::pow(a.data()[i], 2);
    error += std::pow(a.data()[i] - b.data()[i], 2);
  }
  return std::sqrt(error / squares);
}

TEST_F(Bf16, AnMlpIsNearThatOfFloats) {
  const int64_t rows = 70, D = 48, hidden = 96;
  const Tensor x0 = normal({rows, D}, "x"), w1 = normal({hidden, D}, "w1"), w2 = normal({D, hidden}, "w2");
  const Tensor dy = normal({rows, D}, "dy"), zeros = Tensor::zeros({hidden});
  const auto mlp = [&](Precision precision) {
    const WithPrecision scope(precision);
    Tensor x = x0.clone(), a = w1.clone(), b = w2.clone(), gamma = Tensor::full({D}, 1), beta = Tensor::zeros({D});
    for (Tensor* t : {&x, &a, &b, &gamma, &beta}) t->set_requires_grad();
    const Tensor normed = layer_norm(x, gamma, beta, 1e-6f, input_of_product(a));
    const Tensor middle = linear(normed, a, zeros, {.activation = Activation::gelu_erf, .dtype = input_of_product(b)});
    EXPECT_EQ(middle.dtype() == DType::bf16, precision == Precision::bf16);
    const Tensor y = linear(middle, b, {}, {.residual = x});
    backward(y, dy);
    return std::vector<Tensor>{y, x.grad(), a.grad(), b.grad(), gamma.grad(), beta.grad()};
  };
  const auto exact = mlp(Precision::f32), narrow = mlp(Precision::bf16);
  for (size_t i = 0; i < exact.size(); ++i) {
    EXPECT_LE(relative_error(exact[i], narrow[i]), 8e-3) << i;  // bf16 rounds by up to 2^-9
    EXPECT_GT(relative_error(exact[i], narrow[i]), 1e-5) << i;
  }
}

TEST(Precision, HasNames) {
  EXPECT_EQ(precision_named("f32"), Precision::f32);
  EXPECT_EQ(precision_named("bf16"), Precision::bf16);
  EXPECT_EQ(precision_named("auto"), precision_named("auto"));
  if (!kernels::has_bf16_products()) {
    EXPECT_EQ(precision_named("auto"), Precision::f32);
    EXPECT_THROW(WithPrecision{Precision::bf16}, Error);
  }
  EXPECT_THROW(precision_named("fp16"), UsageError);
  EXPECT_EQ(current_precision(), Precision::f32);
}

}  // namespace
}  // namespace tessera::ops
