// Attention with products of whole numbers against the formula in double: kernels/attention.h says what is quantised
// how.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/error.h"
#include "tessera/core/tensor.h"
#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/linear_s8.h"
#include "tessera/kernels/quantize.h"
#include "tests/tensors.h"

namespace tessera::kernels {
namespace {

using test::normal;

struct Case {
  int64_t B, h, Nq, Nk, d;
  bool bias = false, mask = false;
};

// x (B, N, h·d), quantised in runs of d.
struct Quantised {
  Tensor x, whole, scale;
  int64_t d;
  Quantised(const Tensor& x, int64_t d)
      : x(x), whole(Tensor::empty(x.shape(), DType::s8)), scale(Tensor::empty({x.numel() / d})), d(d) {
    quantise();
  }
  void quantise() const {
    quantize_rows(cpu_context(),
                  {.x = x.data(), .q = whole.data<int8_t>(), .scale = scale.data(), .rows = scale.numel(), .N = d});
  }
  Tokens tokens() const { return {nullptr, x.size(2), x.size(1) * x.size(2), whole.data<int8_t>(), scale.data()}; }
  // Element t of the run at (b, i, n), as it was or as what stands for it.
  double at(int64_t b, int64_t i, int64_t n, int64_t t, bool exact) const {
    const int64_t place = (b * x.size(1) + i) * x.size(2) + n * d + t;
    return exact ? x.data()[place] : static_cast<double>(whole.data<int8_t>()[place]) * scale_at(b, i, n);
  }
  double scale_at(int64_t b, int64_t i, int64_t n) const {
    return scale.data()[((b * x.size(1) + i) * x.size(2)) / d + n];
  }
};

struct Problem {
  Case c;
  Quantised q, k, v;
  Tensor bias, y;
  std::vector<uint8_t> mask;
  AttentionForward args{};

  explicit Problem(const Case& c)
      : c(c),
        q(normal({c.B, c.Nq, c.h * c.d}, "q"), c.d),
        k(normal({c.B, c.Nk, c.h * c.d}, "k"), c.d),
        v(normal({c.B, c.Nk, c.h * c.d}, "v"), c.d),
        bias(normal({c.h, c.Nq, c.Nk}, "bias")),
        y(Tensor::full({c.B, c.Nq, c.h * c.d}, -7)) {
    for (int64_t i = 0; i < c.B * c.Nk; ++i) mask.push_back(i >= c.Nk && i % 3 != 1);  // the first sample sees nothing
    args.in.q = q.tokens();
    args.in.k = k.tokens();
    args.in.v = v.tokens();
    args.in.B = c.B;
    args.in.h = c.h;
    args.in.Nq = c.Nq;
    args.in.Nk = c.Nk;
    args.in.d = c.d;
    args.in.scale = 1 / std::sqrt(static_cast<float>(c.d));
    if (c.bias) args.in.bias = bias.data();
    if (c.mask) args.in.key_mask = mask.data();
    args.y = y.data();
  }

  // exp(s_ij - max_j s_ij), or all 0
  std::vector<double> weights(int64_t b, int64_t n, int64_t i, bool exact) const {
    std::vector<double> p;
    for (int64_t j = 0; j < c.Nk; ++j) {
      double score = 0;
      for (int64_t t = 0; t < c.d; ++t) score += q.at(b, i, n, t, exact) * k.at(b, j, n, t, exact);
      score *= args.in.scale;
      if (c.bias) score += bias.data()[(n * c.Nq + i) * c.Nk + j];
      if (c.mask && !mask[static_cast<size_t>(b * c.Nk + j)]) score = -std::numeric_limits<double>::infinity();
      p.push_back(score);
    }
    const double most = *std::max_element(p.begin(), p.end());
    for (double& s : p) s = std::isinf(most) ? 0 : std::exp(s - most);
    return p;
  }

  // The largest error against the formula and the largest value; exact: with nothing quantised.
  struct Error {
    double error, largest;
    double relative() const { return error / largest; }
  };
  Error error(bool exact) const {
    double error = 0, largest = 0;
    for (int64_t b = 0; b < c.B; ++b) {
      for (int64_t n = 0; n < c.h; ++n) {
        for (int64_t i = 0; i < c.Nq; ++i) {
          std::vector<double> p = weights(b, n, i, exact);
          double sum = 0, most = 0;
          for (size_t j = 0; j < p.size(); ++j) {
            sum += p[j];
            most = std::max(most, p[j] * v.scale_at(b, static_cast<int64_t>(j), n));
          }
          for (size_t j = 0; j < p.size() && !exact && most > 0; ++j) {
            const double scale = v.scale_at(b, static_cast<int64_t>(j), n), unit = most / 255;
            p[j] = scale > 0 ? std::nearbyint(p[j] * scale / unit) * unit / scale : 0;
          }
          for (int64_t t = 0; t < c.d; ++t) {
            double expected = 0;
            for (int64_t j = 0; j < c.Nk; ++j) expected += p[static_cast<size_t>(j)] * v.at(b, j, n, t, exact);
            expected = sum > 0 ? expected / sum : 0;
            largest = std::max(largest, std::abs(expected));
            error = std::max(error, std::abs(expected - y.data()[((b * c.Nq + i) * c.h + n) * c.d + t]));
          }
        }
      }
    }
    return {error, largest};
  }
};

class AttentionS8 : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_s8_products()) GTEST_SKIP() << "no VNNI on this machine";
  }
};

TEST_F(AttentionS8, NothingOfAHiddenKeyCounts) {
  const Case c{.B = 2, .h = 2, .Nq = 9, .Nk = 70, .d = 12, .mask = true};
  Problem expected(c), ours(c);
  for (int64_t j = 0; j < c.B * c.Nk; ++j) {
    if (ours.mask[static_cast<size_t>(j)]) continue;
    for (int64_t n = 0; n < c.h; ++n) ours.k.scale.data()[j * c.h + n] = ours.v.scale.data()[j * c.h + n] = NAN;
  }
  attention_forward(cpu_context(), expected.args);
  attention_forward(cpu_context(), ours.args);
  for (int64_t t = 0; t < ours.y.numel(); ++t) ASSERT_EQ(ours.y.data()[t], expected.y.data()[t]);
}

TEST_F(AttentionS8, IsTheFormula) {
  for (const int64_t target : simd_targets()) {
    set_simd_target(target);
    if (!has_s8_products()) continue;
    SCOPED_TRACE(simd_target_name(target));
    for (const Case& c : {Case{1, 1, 1, 1, 1}, Case{2, 3, 7, 7, 5}, Case{2, 2, 33, 50, 16}, Case{1, 2, 197, 197, 64},
                          Case{3, 2, 9, 14, 6, false, true}, Case{2, 2, 17, 65, 32, true}, Case{1, 1, 75, 300, 80}}) {
      const Problem s(c);
      attention_forward(cpu_context(), s.args);
      // A share whose product lies at a half may be rounded either way: one of 255.
      EXPECT_LE(s.error(false).relative(), 5e-3) << c.Nq << ", " << c.Nk << ", " << c.d;
      EXPECT_LE(s.error(true).relative(), 4e-2) << c.Nq << ", " << c.Nk << ", " << c.d;
    }
  }
  set_simd_target(0);
}

// Heads often look at a token with a small value when there is nothing to say. Its weight must not be lost.
TEST_F(AttentionS8, AKeyWithASmallValueKeepsItsWeight) {
  for (const float value : {0.0f, 1e-6f, 0.01f}) {
    const Problem s({1, 1, 5, 40, 16});
    for (int64_t t = 0; t < 16; ++t) {
      s.v.x.data()[7 * 16 + t] *= value;
      for (int64_t i = 0; i < 5; ++i) s.q.x.data()[i * 16 + t] = 2;
      s.k.x.data()[7 * 16 + t] = 1;  // all queries look here
    }
    for (const Quantised* x : {&s.q, &s.k, &s.v}) x->quantise();
    attention_forward(cpu_context(), s.args);
    EXPECT_LE(s.error(true).error, 5e-2) << value;  // without its weight, it would be about 1
  }
}

TEST_F(AttentionS8, LetsNaNThrough) {
  for (Quantised Problem::*where : {&Problem::q, &Problem::k, &Problem::v}) {
    const Problem s({1, 1, 3, 20, 8});
    (s.*where).x.data()[9] = std::numeric_limits<float>::quiet_NaN();
    (s.*where).quantise();
    attention_forward(cpu_context(), s.args);
    EXPECT_TRUE(std::any_of(s.y.span().begin(), s.y.span().end(), [](float x) { return std::isnan(x); }));
  }
}

TEST_F(AttentionS8, RefusesWhatIsForTraining) {
  Problem s({1, 1, 3, 4, 4});
  s.args.in.dropout = 0.5f;
  EXPECT_THROW(attention_forward(cpu_context(), s.args), tessera::Error);
  EXPECT_EQ(s.y.data()[0], -7);
}

}  // namespace
}  // namespace tessera::kernels
