// Numbers as whole multiples of a scale, and the product of such, on every target.
#include "tessera/kernels/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/random.h"
#include "tessera/core/tensor.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/layer_norm.h"
#include "tessera/kernels/linear_s8.h"
#include "tests/tensors.h"

namespace tessera::kernels {
namespace {

using test::normal;

struct Quantized {
  Tensor q, scale;
  explicit Quantized(const Tensor& x) : q(Tensor::empty(x.shape(), DType::s8)), scale(Tensor::empty({x.size(0)})) {
    quantize_rows(cpu_context(),
                  {.x = x.data(), .q = q.data<int8_t>(), .scale = scale.data(), .rows = x.size(0), .N = x.size(1)});
  }
};

class EveryTarget : public testing::Test {
 protected:
  template <class Body>
  void on_each(Body body) {
    for (const int64_t target : simd_targets()) {
      SCOPED_TRACE(simd_target_name(target));
      set_simd_target(target);
      body();
    }
    set_simd_target(0);
  }
};
using Quantize = EveryTarget;
using LinearS8 = EveryTarget;

TEST_F(Quantize, RoundsToTheNearestMultipleOfTheScale) {
  on_each([] {
    for (const int64_t N : {1, 7, 16, 33, 100}) {
      const Tensor x = normal({5, N}, "x");
      const Quantized quantized(x);
      for (int64_t r = 0; r < 5; ++r) {
        float most = 0;
        for (int64_t c = 0; c < N; ++c) most = std::max(most, std::abs(x.data()[r * N + c]));
        EXPECT_FLOAT_EQ(quantized.scale.data()[r], most / 127);
        for (int64_t c = 0; c < N; ++c) {
          const float ideal = x.data()[r * N + c] / most * 127;
          EXPECT_LE(std::abs(quantized.q.data<int8_t>()[r * N + c] - ideal), 0.5001) << r << ", " << c;
        }
      }
    }
  });
}

TEST_F(Quantize, ZerosNanAndInfinity) {
  on_each([] {
    Tensor x = Tensor::zeros({4, 19});
    x.data()[19 + 3] = std::numeric_limits<float>::quiet_NaN();
    x.data()[2 * 19 + 18] = -std::numeric_limits<float>::infinity();
    x.data()[3 * 19] = -2;
    const Quantized quantized(x);
    const float* scale = quantized.scale.data();
    EXPECT_EQ(scale[0], 0);
    EXPECT_TRUE(std::isnan(scale[1]));
    EXPECT_FALSE(std::isfinite(scale[2]));
    EXPECT_EQ(quantized.q.data<int8_t>()[3 * 19], -127);
    EXPECT_EQ(quantized.q.data<int8_t>()[3 * 19 + 1], 0);
  });
}

// Against the formula in double with the same whole numbers.
TEST_F(LinearS8, IsTheFormula) {
  struct Case {
    int64_t rows, N, K;
    Activation activation;
    bool bias, residual, frozen, scale = false;
  };
  const Case cases[] = {{1, 1, 1, Activation::none, false, false, false},
                        {7, 33, 50, Activation::none, true, true, true, true},
                        {19, 64, 128, Activation::gelu_erf, true, false, true},
                        {301, 1000, 36, Activation::relu, false, true, false}};
  on_each([&] {
    for (const auto& [rows, N, K, activation, with_bias, with_residual, with_frozen, with_scale] : cases) {
      const Tensor x = normal({rows, K}, "x"), bias = normal({N}, "bias"), residual = normal({rows, N}, "residual");
      const Tensor scale = normal({N}, "scale");
      const Quantized w(normal({N, K}, "w")), q(x);
      const Tensor y = Tensor::empty({rows, N});
      FrozenWeights frozen;
      frozen.add({w.q.raw(), w.q.bytes()}, false);
      for (int again = 0; again < 2; ++again)
        linear_s8_forward(cpu_context(), {.x = x.data(),
                                          .w = w.q.data<int8_t>(),
                                          .w_scale = w.scale.data(),
                                          .bias = with_bias ? bias.data() : nullptr,
                                          .scale = with_scale ? scale.data() : nullptr,
                                          .residual = with_residual ? residual.data() : nullptr,
                                          .y = y.data(),
                                          .rows = rows,
                                          .N = N,
                                          .K = K,
                                          .activation = activation,
                                          .frozen = with_frozen ? &frozen : nullptr});
      // Where the machine has no instructions for it, the rows of x stay as they are.
      const bool whole = has_s8_products();
      double largest = 0, error = 0;
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t n = 0; n < N; ++n) {
          double sum = 0;
          for (int64_t k = 0; k < K; ++k) {
            const double left = whole ? double{q.scale.data()[r]} * q.q.data<int8_t>()[r * K + k] : x.data()[r * K + k];
            sum += left * w.scale.data()[n] * w.q.data<int8_t>()[n * K + k];
          }
          if (with_bias) sum += bias.data()[n];
          if (activation == Activation::relu) sum = std::max(sum, 0.0);
          if (activation == Activation::gelu_erf) sum *= 0.5 * (1 + std::erf(sum / std::sqrt(2.0)));
          if (with_scale) sum *= scale.data()[n];
          if (with_residual) sum += residual.data()[r * N + n];
          largest = std::max(largest, std::abs(sum));
          error = std::max(error, std::abs(sum - y.data()[r * N + n]));
        }
      }
      EXPECT_LE(error, 2e-6 * largest) << rows << ", " << N << ", " << K;
    }
  });
}

// Rows that were quantised before, and a result that is quantised: the same as one after the other.
TEST_F(LinearS8, TakesAndGivesQuantisedRows) {
  on_each([] {
    if (!has_s8_products()) return;
    const int64_t rows = 45, N = 70, K = 33;
    const Tensor x = normal({rows, K}, "x"), bias = normal({N}, "bias"), y = Tensor::empty({rows, N});
    const Quantized w(normal({N, K}, "w")), q(x);
    LinearS8Forward args = {.x = x.data(),
                            .w = w.q.data<int8_t>(),
                            .w_scale = w.scale.data(),
                            .bias = bias.data(),
                            .y = y.data(),
                            .rows = rows,
                            .N = N,
                            .K = K,
                            .activation = Activation::gelu_tanh};
    linear_s8_forward(cpu_context(), args);
    const Quantized expected(y);
    const Tensor y_q = Tensor::empty({rows, N}, DType::s8), y_scale = Tensor::empty({rows});
    args.x = args.y = nullptr;
    args.q = q.q.data<int8_t>();
    args.q_scale = q.scale.data();
    args.y_q = y_q.data<int8_t>();
    args.y_scale = y_scale.data();
    args.y_run = N;
    linear_s8_forward(cpu_context(), args);
    EXPECT_TRUE(std::equal(y_q.span<int8_t>().begin(), y_q.span<int8_t>().end(), expected.q.span<int8_t>().begin()));
    EXPECT_TRUE(std::equal(y_scale.span().begin(), y_scale.span().end(), expected.scale.span().begin()));
    const Quantized runs(y.reshape({rows * 7, 10}));
    const Tensor run_scale = Tensor::empty({rows * 7});
    args.y_scale = run_scale.data();
    args.y_run = 10;
    linear_s8_forward(cpu_context(), args);
    EXPECT_TRUE(std::equal(y_q.span<int8_t>().begin(), y_q.span<int8_t>().end(), runs.q.span<int8_t>().begin()));
    EXPECT_TRUE(std::equal(run_scale.span().begin(), run_scale.span().end(), runs.scale.span().begin()));
  });
}

TEST_F(Quantize, OfALayerNormIsThatOfItsResult) {
  on_each([] {
    const int64_t rows = 19, D = 50;
    const Tensor x = normal({rows, D}, "x"), gamma = normal({D}, "gamma"), beta = normal({D}, "beta");
    const Tensor y = Tensor::empty({rows, D}), q = Tensor::empty({rows, D}, DType::s8), scale = Tensor::empty({rows});
    LayerNormForward args = {.x = x.data(),
                             .gamma = gamma.data(),
                             .beta = beta.data(),
                             .y = y.data(),
                             .mean = nullptr,
                             .rstd = nullptr,
                             .rows = rows,
                             .D = D,
                             .eps = 1e-6f};
    layer_norm_forward(cpu_context(), args);
    const Quantized expected(y);
    args.y = nullptr;
    args.q = q.data<int8_t>();
    args.q_scale = scale.data();
    layer_norm_forward(cpu_context(), args);
    EXPECT_TRUE(std::equal(q.span<int8_t>().begin(), q.span<int8_t>().end(), expected.q.span<int8_t>().begin()));
    EXPECT_TRUE(std::equal(scale.span().begin(), scale.span().end(), expected.scale.span().begin()));
  });
}

}  // namespace
}  // namespace tessera::kernels
