#include "tessera/ops/tape.h"

#include <gtest/gtest.h>

#include "tessera/ops/layer_norm.h"

namespace tessera::ops {
namespace {

Tensor ramp(Shape shape) {
  Tensor x = Tensor::empty(std::move(shape));
  for (int64_t i = 0; i < x.numel(); ++i) x.data()[i] = static_cast<float>((i * 37 % 17) - 8) / 8;
  return x;
}

struct Layers {
  Tensor gamma = ramp({6}).set_requires_grad(), beta = ramp({6}).set_requires_grad();
  Tensor operator()(const Tensor& x) const { return layer_norm(layer_norm(x, gamma, beta, 1e-3f), gamma, beta, 1e-3f); }
};

TEST(Tape, CheckpointGivesTheSameGradients) {
  const Layers layers;
  Tensor x = ramp({4, 6}).set_requires_grad();
  backward(layers(x), ramp({4, 6}));
  const Tensor dx = x.grad().clone(), dgamma = layers.gamma.grad().clone();

  Tensor again = ramp({4, 6}).set_requires_grad();
  zero_grad(layers.gamma);
  backward(checkpoint([&](const Tensor& t) { return layers(t); }, again), ramp({4, 6}));
  for (int64_t i = 0; i < dx.numel(); ++i) EXPECT_EQ(again.grad().data()[i], dx.data()[i]);
  for (int64_t i = 0; i < dgamma.numel(); ++i) EXPECT_EQ(layers.gamma.grad().data()[i], dgamma.data()[i]);
}

TEST(Tape, NoGradRecordsNothing) {
  const Layers layers;
  const NoGrad no_grad;
  EXPECT_FALSE(layers(ramp({4, 6})).requires_grad());
}

TEST(Tape, BackwardRefusesWhatWasNotRecorded) { EXPECT_THROW(backward(ramp({1})), Error); }

}  // namespace
}  // namespace tessera::ops
