// What complex operations do besides their formulas: at zero, far from zero, and what the norm counts.
#include <gtest/gtest.h>

#include <cmath>

#include "tessera/ops/complex_activation.h"
#include "tessera/ops/complex_batch_norm.h"
#include "tessera/ops/complex_block.h"
#include "tessera/ops/ihsv.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/polar.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

Tensor from(Shape shape, std::vector<float> values) { return Tensor::from(std::move(shape), values); }

std::vector<float> values_of(const Tensor& x) { return {x.span().begin(), x.span().end()}; }

TEST(Complex, NothingIsWrongAtZero) {
  const Tensor bias = Tensor::full({2}, 0.5f);
  for (const auto activation : {ComplexActivation::modrelu, ComplexActivation::cardioid}) {
    const Tensor z = Tensor::zeros({1, 4}).set_requires_grad();
    const Tensor y = complex_activate(z, activation, activation == ComplexActivation::modrelu ? bias : Tensor());
    EXPECT_EQ(values_of(y), (std::vector<float>{0, 0, 0, 0}));
    backward(y, Tensor::full({1, 4}, 1));
    EXPECT_EQ(values_of(z.grad()), (std::vector<float>{0, 0, 0, 0}));
  }
  const Tensor z = Tensor::zeros({1, 4}).set_requires_grad();
  backward(magnitude(z), Tensor::full({1, 2}, 1));
  EXPECT_EQ(values_of(z.grad()), (std::vector<float>{0, 0, 0, 0}));
  const Tensor w = Tensor::zeros({1, 4}).set_requires_grad();
  backward(weighted_phase(w, Tensor::full({1, 2}, 1)));
  EXPECT_EQ(values_of(w.grad()), (std::vector<float>{0, 0, 0, 0}));
}

TEST(Complex, ModReluKeepsThePhaseAndMovesTheMagnitude) {
  // 3 + 4i, of magnitude 5, and 0.6 - 0.8i, of magnitude 1, which a bias of -1 silences.
  const Tensor y =
      complex_activate(from({1, 4}, {3, 0.6f, 4, -0.8f}), ComplexActivation::modrelu, Tensor::full({2}, -1));
  EXPECT_NEAR(y.data()[0], 3 * 0.8f, 1e-6);
  EXPECT_NEAR(y.data()[2], 4 * 0.8f, 1e-6);
  EXPECT_EQ(y.data()[1], 0);
  EXPECT_EQ(y.data()[3], 0);
}

TEST(Complex, ANotANumberStaysOne) {
  const Tensor bad = from({1, 2}, {NAN, 1});
  EXPECT_TRUE(std::isnan(complex_activate(bad, ComplexActivation::modrelu, Tensor::zeros({1})).data()[1]));
  EXPECT_TRUE(std::isnan(complex_activate(bad, ComplexActivation::cardioid).data()[1]));
  EXPECT_TRUE(std::isnan(magnitude(bad).item()));
}

// (1 + 2i)·(3 + 4i) = -5 + 10i: no conjugation.
TEST(Complex, ABlockIsTheProductOfComplexNumbers) {
  const Tensor w = complex_block(from({1, 1}, {1}), from({1, 1}, {2}));
  EXPECT_EQ(values_of(linear(from({1, 2}, {3, 4}), w, {})), (std::vector<float>{-5, 10}));
}

TEST(Complex, ShapesThatCannotBeAreRefused) {
  EXPECT_NE(test::error_of([] { magnitude(Tensor::zeros({2, 3})); }).find("(2, 3)"), std::string::npos);
  EXPECT_NE(test::error_of([] {
              complex_activate(Tensor::zeros({2, 4}), ComplexActivation::modrelu);
            }).find("2 param"),
            std::string::npos);
  EXPECT_NE(test::error_of([] {
              complex_block(Tensor::zeros({2, 4}), Tensor::zeros({4, 2}));
            }).find("(4, 2)"),
            std::string::npos);
  EXPECT_NE(test::error_of([] { ihsv(Tensor::zeros({2, 4})); }).find("(2, 4)"), std::string::npos);
}

ComplexBatchNormState fresh(int64_t C) {
  const auto ones = [C] { return Tensor::full({C}, 1); };
  const auto zeros = [C] { return Tensor::zeros({C}); };
  return {.gamma = {ones(), zeros(), ones()},
          .beta = {zeros(), zeros()},
          .running_mean = {zeros(), zeros()},
          .running_covariance = {ones(), zeros(), ones()}};
}

// Of what comes out: unit variances, no correlation, whatever came in.
TEST(ComplexBatchNorm, Whitens) {
  const int64_t P = 4096, C = 3;
  const Tensor x = test::normal({P, 2 * C}, "x");
  for (int64_t p = 0; p < P; ++p)
    for (int64_t c = 0; c < C; ++c) {
      float &re = x.data()[p * 2 * C + c], &im = x.data()[p * 2 * C + C + c];
      re = 5 + 2 * re + im, im = -30 + 0.1f * im;  // of another size, and correlated
    }
  const Tensor y = complex_batch_norm(x, fresh(C), {.eps = 0, .training = true});
  for (int64_t c = 0; c < C; ++c) {
    double mean[2] = {}, rr = 0, ri = 0, ii = 0;
    for (int64_t p = 0; p < P; ++p) {
      const double re = y.data()[p * 2 * C + c], im = y.data()[p * 2 * C + C + c];
      mean[0] += re / P, mean[1] += im / P, rr += re * re / P, ri += re * im / P, ii += im * im / P;
    }
    EXPECT_NEAR(mean[0], 0, 1e-3);
    EXPECT_NEAR(mean[1], 0, 1e-3);
    EXPECT_NEAR(rr, 1, 2e-3);
    EXPECT_NEAR(ri, 0, 2e-3);
    EXPECT_NEAR(ii, 1, 2e-3);
  }
}

// Three numbers by hand: mean (3, 0), unbiased covariance (7, -2, 1).
TEST(ComplexBatchNorm, RunningStatisticsMove) {
  const ComplexBatchNormState state = fresh(1);
  complex_batch_norm(from({3, 2}, {1, 1, 2, 0, 6, -1}), state, {.training = true, .momentum = 0.25f});
  EXPECT_FLOAT_EQ(state.running_mean[0].item(), 0.75f);
  EXPECT_FLOAT_EQ(state.running_mean[1].item(), 0);
  EXPECT_FLOAT_EQ(state.running_covariance[0].item(), 2.5f);
  EXPECT_FLOAT_EQ(state.running_covariance[1].item(), -0.625f);
  EXPECT_FLOAT_EQ(state.running_covariance[2].item(), 1);
}

// Imaginary parts that follow the real ones have no second direction; epsilon keeps the root away from zero.
TEST(ComplexBatchNorm, PartsThatDependOnEachOtherStayFinite) {
  const Tensor x = test::normal({50, 2}, "x");
  for (int64_t p = 0; p < 50; ++p) x.data()[2 * p + 1] = 3 * x.data()[2 * p];
  const Tensor z = x.clone().set_requires_grad();
  const Tensor y = complex_batch_norm(z, fresh(1), {.training = true});
  backward(y, test::normal({50, 2}, "dy"));
  for (const Tensor& t : {y, z.grad()})
    for (const float value : t.span()) EXPECT_TRUE(std::isfinite(value));
}

TEST(ComplexBatchNorm, FoldsIntoTheLayerBefore) {
  const auto vector = [](const char* name) { return test::normal({4}, name); };
  ComplexBatchNormState state = fresh(4);
  state.gamma[1] = vector("gamma"), state.beta = {vector("b"), vector("c")};
  state.running_mean = {vector("d"), vector("e")};
  state.running_covariance = {Tensor::full({4}, 2), Tensor::full({4}, 0.7f), Tensor::full({4}, 0.5f)};
  const Tensor x = test::normal({5, 6}, "x"), bias = test::normal({8}, "bias");
  const Tensor w = complex_block(test::normal({4, 3}, "re"), test::normal({4, 3}, "im"));
  const Tensor y = complex_batch_norm(linear(x, w, bias), state, {.eps = 1e-3f});
  const FoldedLayer layer = folded(state, 1e-3f, w, bias);
  const Tensor folded = linear(x, layer.w, layer.bias);
  for (int64_t i = 0; i < y.numel(); ++i) EXPECT_NEAR(folded.data()[i], y.data()[i], 2e-5);
}

// Colours whose hue, saturation and value everybody knows: h, s, v -> v + i·s, s·h + i·v, s·cos h + i·s·sin h.
TEST(Ihsv, OfKnownColours) {
  struct Known {
    std::vector<float> rgb;
    double sixths, s, v;
  };
  for (const Known& known : {Known{{1, 0, 0}, 0, 1, 1},
                             {{1, 1, 0}, 1, 1, 1},
                             {{0, 1, 0}, 2, 1, 1},
                             {{0, 1, 1}, 3, 1, 1},
                             {{0, 0, 1}, 4, 1, 1},
                             {{1, 0, 1}, 5, 1, 1},
                             {{0.5f, 0.25f, 0.25f}, 0, 0.5, 0.5},
                             {{0.5f, 0.5f, 0.5f}, 0, 0, 0.5},
                             {{0, 0, 0}, 0, 0, 0},
                             {{2, -1, 0}, 0, 1, 1}}) {
    const Tensor z = ihsv(from({1, 3}, known.rgb));
    const double h = known.sixths * M_PI / 3, s = known.s, v = known.v;
    const double expected[] = {v, s * h, s * std::cos(h), s, v, s * std::sin(h)};
    for (int i = 0; i < 6; ++i) EXPECT_NEAR(z.data()[i], expected[i], 1e-6) << known.rgb[0] << known.rgb[1];
  }
}

// checkpoint() computes again, which must not move the running statistics a second time.
TEST(Complex, ARepeatedPassIsCountedOnce) {
  const auto state = [] {
    ComplexBatchNormState s;
    for (Tensor& t : s.gamma) t = Tensor::full({2}, 1);
    for (Tensor& t : s.beta) t = Tensor::zeros({2});
    for (Tensor& t : s.running_mean) t = Tensor::zeros({2});
    for (Tensor& t : s.running_covariance) t = Tensor::full({2}, 1);
    s.gamma[1] = Tensor::zeros({2}), s.running_covariance[1] = Tensor::zeros({2});
    return s;
  };
  const ComplexBatchNormState once = state(), again = state();
  const TrainingState training(Draws{});
  const auto norm = [](const ComplexBatchNormState& s) {
    return [&s](const Tensor& x) { return complex_batch_norm(x, s, {.training = true}); };
  };
  const Tensor x = test::normal({9, 4}, "x").set_requires_grad();
  backward(norm(once)(x), Tensor::full({9, 4}, 1));
  backward(checkpoint(norm(again), x), Tensor::full({9, 4}, 1));
  EXPECT_NE(values_of(once.running_mean[0]), (std::vector<float>{0, 0}));
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ(values_of(once.running_mean[i]), values_of(again.running_mean[i]));
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(values_of(once.running_covariance[i]), values_of(again.running_covariance[i]));
}

}  // namespace
}  // namespace tessera::ops
