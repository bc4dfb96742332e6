#include "tessera/nn/complex.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"
#include "tests/tensors.h"

namespace tessera::nn {
namespace {

std::vector<std::string> names_of(Module& module) {
  std::vector<std::string> names;
  for (const Parameter& parameter : module.state()) names.push_back(parameter.name);
  return names;
}

TEST(ComplexLayers, NameTheirParts) {
  ComplexConv2d conv(2, 3, {.kernel = 3, .bias = true});
  EXPECT_EQ(names_of(conv), (std::vector<std::string>{"weight_real", "weight_imag", "bias_real", "bias_imag"}));
  EXPECT_EQ(conv.num_parameters(), 2 * (3 * 2 * 9 + 3));
  EXPECT_EQ(conv.macs(5, 4), 4 * 5 * 4 * 3 * 2 * 9);
  ComplexBatchNorm2d norm(3);
  EXPECT_EQ(norm.num_parameters(), 5 * 3);
  EXPECT_EQ(norm.statistics().size(), 5u);
}

// Trabelsi et al., section 3.6: magnitudes are Rayleigh(1/√fan_in), whose mean is σ·√(π/2) and whose square's is 2·σ²;
// phases are uniform.
TEST(ComplexLayers, WeightsStartWithRayleighMagnitudesAndUniformPhases) {
  ComplexConv2d conv(16, 64, {.kernel = 3});
  conv.initialise(3);
  const Tensor &re = *conv.parameters()[0].tensor, &im = *conv.parameters()[1].tensor;
  const double n = static_cast<double>(re.numel()), sigma = 1 / std::sqrt(16 * 9.0);
  double mean = 0, square = 0, cosine = 0, sine = 0, twice = 0;
  for (int64_t i = 0; i < re.numel(); ++i) {
    const double x = re.data()[i], y = im.data()[i], phase = std::atan2(y, x);
    mean += std::hypot(x, y) / n, square += (x * x + y * y) / n;
    cosine += std::cos(phase) / n, sine += std::sin(phase) / n, twice += std::cos(2 * phase) / n;
  }
  EXPECT_NEAR(mean, sigma * std::sqrt(M_PI / 2), 0.02 * sigma);
  EXPECT_NEAR(square, 2 * sigma * sigma, 0.05 * sigma * sigma);
  for (const double moment : {cosine, sine, twice}) EXPECT_NEAR(moment, 0, 0.03);
}

// A linear layer on maps reads them in PyTorch's order: (C, H, W).
TEST(ComplexLayers, LinearOnMapsEqualsLinearOnTheFlattened) {
  const int64_t C = 3, H = 2, W = 4, n = C * H * W;
  ComplexLinear fc(n, 5);
  fc.initialise(1);
  const Tensor map = test::normal({2, H, W, 2 * C}, "map"), flat = Tensor::empty({2, 2 * n});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t plane = 0; plane < 2 * C; ++plane)
      for (int64_t i = 0; i < H * W; ++i)
        flat.data()[(b * 2 * C + plane) * H * W + i] = map.data()[(b * H * W + i) * 2 * C + plane];
  const Tensor a = fc.forward_maps(map), b = fc.forward(flat);
  for (int64_t i = 0; i < a.numel(); ++i) EXPECT_NEAR(a.data()[i], b.data()[i], 1e-5);
}

// In use, norms go into their convolutions, which are made once.
TEST(ComplexLayers, FrozenConvolutionsTakeTheNorm) {
  ComplexConv2d conv(4, 6, {.kernel = 3, .stride = 2, .padding = 1, .bias = true});
  ComplexBatchNorm2d whitening(6);
  BatchNorm2d parts(12);
  kernels::FrozenWeights frozen;
  for (Module* module : {static_cast<Module*>(&conv), static_cast<Module*>(&whitening), static_cast<Module*>(&parts)}) {
    module->initialise(1);
    for (const Parameter& parameter : module->state()) {
      const Tensor noise = test::normal(parameter.tensor->shape(), parameter.name);
      for (int64_t i = 0; i < noise.numel(); ++i) parameter.tensor->data()[i] += 0.1f * noise.data()[i];
      frozen.add({parameter.tensor->raw(), parameter.tensor->bytes()}, false);
    }
  }
  const ops::NoGrad no_grad;
  const Tensor x = test::normal({2, 5, 6, 8}, "x");
  const Tensor white = conv_norm(conv, whitening, x, Activation::relu);
  const Tensor by_parts = conv_norm(conv, parts, x, Activation::relu);
  const ops::Frozen in_use(frozen);
  EXPECT_EQ(conv.weight().raw(), conv.weight().raw());
  EXPECT_EQ(conv.folded_weight(whitening.state(), whitening.eps()).raw(),
            conv.folded_weight(whitening.state(), whitening.eps()).raw());
  for (int again = 0; again < 2; ++again) {
    const Tensor a = conv_norm(conv, whitening, x, Activation::relu), b = conv_norm(conv, parts, x, Activation::relu);
    for (int64_t i = 0; i < a.numel(); ++i) {
      EXPECT_NEAR(a.data()[i], white.data()[i], 1e-5);
      EXPECT_NEAR(b.data()[i], by_parts.data()[i], 1e-5);
    }
  }
}

}  // namespace
}  // namespace tessera::nn
