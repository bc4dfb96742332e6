#include "tessera/ops/linear.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tessera/core/random.h"
#include "tessera/ops/add.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tape.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

using test::normal;

TEST(Linear, TrainingAndInferenceGiveTheSameBits) {
  const Tensor x = normal({3, 29, 40}, "x"), bias = normal({50}, "bias"), residual = normal({3, 29, 50}, "residual");
  Tensor w = normal({50, 40}, "w");
  w.set_requires_grad();
  for (const auto activation :
       {Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::tanh}) {
    for (const Tensor& added : {Tensor(), residual}) {
      const Tensor recorded = linear(x, w, bias, {.activation = activation, .residual = added});
      EXPECT_TRUE(recorded.requires_grad());
      const NoGrad no_grad;
      const Tensor inferred = linear(x, w, bias, {.activation = activation, .residual = added});
      EXPECT_FALSE(inferred.requires_grad());
      EXPECT_EQ(std::memcmp(recorded.raw(), inferred.raw(), recorded.bytes()), 0);
    }
  }
}

TEST(Linear, AResidualThatIsTheInputGetsBothGradients) {
  Tensor x = normal({6, 8}, "x");
  x.set_requires_grad();
  const Tensor w = normal({8, 8}, "w");
  backward(linear(x, w, {}, {.residual = x}), Tensor::full({6, 8}, 1.0f));
  for (int64_t k = 0; k < 8; ++k) {
    float expected = 1;  // Σ_n w[n, k], and the residual's 1
    for (int64_t n = 0; n < 8; ++n) expected += w.data()[n * 8 + k];
    for (int64_t r = 0; r < 6; ++r) EXPECT_NEAR(x.grad().data()[r * 8 + k], expected, 1e-5);
  }
}

// What training does in three operations: to the bit, since they round in the same places.
TEST(Linear, AScaleIsThatOfALayerAfter) {
  const Tensor x = normal({3, 29, 40}, "x"), w = normal({50, 40}, "w"), bias = normal({50}, "bias");
  const Tensor gamma = normal({50}, "gamma"), residual = normal({3, 29, 50}, "residual");
  for (const Tensor& added : {Tensor(), residual}) {
    const Tensor fused = linear(x, w, bias, {.activation = Activation::relu, .scale = gamma, .residual = added});
    Tensor expected = scale(linear(x, w, bias, {.activation = Activation::relu}), gamma);
    if (added) expected = add(added, expected);
    EXPECT_EQ(std::memcmp(fused.raw(), expected.raw(), fused.bytes()), 0);
  }
  Tensor trained = w.clone();
  trained.set_requires_grad();
  EXPECT_THROW(linear(x, trained, bias, {.scale = gamma}), Error);
}

TEST(Linear, NamesTheShapesThatDoNotFit) {
  const Tensor x = Tensor::zeros({2, 3}), w = Tensor::zeros({5, 3});
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message([&] { linear(x, Tensor::zeros({5, 4}), {}); }).find("(5, 4)"), std::string::npos);
  EXPECT_NE(message([&] { linear(x, w, Tensor::zeros({4})); }).find("(5), but it is (4)"), std::string::npos);
  EXPECT_NE(message([&] { linear(x, w, {}, {.residual = x}); }).find("(2, 5), but it is (2, 3)"), std::string::npos);
  EXPECT_NE(message([&] { linear(Tensor::zeros({0, 3}), w, {}); }).find("(0, 3)"), std::string::npos);
}

}  // namespace
}  // namespace tessera::ops
