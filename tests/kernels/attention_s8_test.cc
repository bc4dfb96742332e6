// Attention with products of whole numbers against the formula in double: kernels/attention.h says what is quantised
// how.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/random.h"
#include "tessera/core/tensor.h"
#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/attention_s8.h"
#include "tests/tensors.h"

namespace tessera::kernels {
namespace {

using test::normal;

struct Case {
  int64_t B, h, Nq, Nk, d;
  bool bias = false, mask = false;
};

struct Problem {
  Case c;
  Tensor q, k, v, bias, y;
  std::vector<uint8_t> mask;
  AttentionForward args{};

  explicit Problem(const Case& c)
      : c(c),
        q(normal({c.B, c.Nq, c.h * c.d}, "q")),
        k(normal({c.B, c.Nk, c.h * c.d}, "k")),
        v(normal({c.B, c.Nk, c.h * c.d}, "v")),
        bias(normal({c.h, c.Nq, c.Nk}, "bias")),
        y(Tensor::full({c.B, c.Nq, c.h * c.d}, -7)) {
    for (int64_t i = 0; i < c.B * c.Nk; ++i) mask.push_back(i >= c.Nk && i % 3 != 1);  // the first sample sees nothing
    const auto tokens = [&](const Tensor& x) { return Tokens{x.data(), x.size(2), x.size(1) * x.size(2)}; };
    args.in.q = tokens(q);
    args.in.k = tokens(k);
    args.in.v = tokens(v);
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

  // x / scale, rounded; scale = max |x| / 127 over n elements, `step` apart.
  static std::vector<double> quantised(const float* x, int64_t n, int64_t step) {
    double most = 0;
    for (int64_t i = 0; i < n; ++i) most = std::max<double>(most, std::abs(x[i * step]));
    std::vector<double> values;
    for (int64_t i = 0; i < n; ++i) values.push_back(std::nearbyint(x[i * step] / most * 127) * most / 127);
    return values;
  }

  // The largest error against the formula, over the largest value; whole: with everything quantised.
  double error(bool whole) const {
    double error = 0, largest = 0;
    const int64_t width = c.h * c.d;
    for (int64_t b = 0; b < c.B; ++b) {
      for (int64_t n = 0; n < c.h; ++n) {
        std::vector<std::vector<double>> keys, columns;
        for (int64_t j = 0; j < c.Nk; ++j) {
          const float* row = k.data() + (b * c.Nk + j) * width + n * c.d;
          keys.push_back(whole ? quantised(row, c.d, 1) : std::vector<double>(row, row + c.d));
        }
        for (int64_t t = 0; t < c.d; ++t) {
          const float* first = v.data() + b * c.Nk * width + n * c.d + t;
          columns.push_back(quantised(first, c.Nk, width));
          if (!whole)
            for (int64_t j = 0; j < c.Nk; ++j) columns.back()[static_cast<size_t>(j)] = first[j * width];
        }
        for (int64_t i = 0; i < c.Nq; ++i) {
          const float* row = q.data() + (b * c.Nq + i) * width + n * c.d;
          const auto query = whole ? quantised(row, c.d, 1) : std::vector<double>(row, row + c.d);
          std::vector<double> p;
          for (int64_t j = 0; j < c.Nk; ++j) {
            double score = 0;
            for (size_t t = 0; t < query.size(); ++t) score += query[t] * keys[static_cast<size_t>(j)][t];
            score *= args.in.scale;
            if (c.bias) score += bias.data()[(n * c.Nq + i) * c.Nk + j];
            if (c.mask && !mask[static_cast<size_t>(b * c.Nk + j)]) score = -std::numeric_limits<double>::infinity();
            p.push_back(score);
          }
          const double most = *std::max_element(p.begin(), p.end());
          double sum = 0;
          for (double& s : p) {
            s = std::isinf(most) ? 0 : std::exp(s - most);
            if (whole) s = std::nearbyint(255 * s);
            sum += s;
          }
          for (int64_t t = 0; t < c.d; ++t) {
            double expected = 0;
            for (size_t j = 0; j < p.size(); ++j) expected += p[j] * columns[static_cast<size_t>(t)][j];
            expected = sum > 0 ? expected / sum : 0;
            largest = std::max(largest, std::abs(expected));
            error = std::max(error, std::abs(expected - y.data()[(b * c.Nq + i) * width + n * c.d + t]));
          }
        }
      }
    }
    return error / largest;
  }
};

class AttentionS8 : public testing::Test {
 protected:
  void SetUp() override {
    if (Problem s({1, 1, 1, 1, 4}); !attention_s8_forward(s.args)) GTEST_SKIP() << "no VNNI on this machine";
  }
};

TEST_F(AttentionS8, IsTheFormula) {
  for (const Case& c : {Case{1, 1, 1, 1, 1}, Case{2, 3, 7, 7, 5}, Case{2, 2, 33, 50, 16}, Case{1, 2, 197, 197, 64},
                        Case{3, 2, 9, 14, 6, false, true}, Case{2, 2, 17, 65, 32, true}, Case{1, 1, 75, 300, 80}}) {
    Problem s(c);
    ASSERT_TRUE(attention_s8_forward(s.args));
    // A share whose product lies at a half may be rounded either way: one of 255.
    EXPECT_LE(s.error(true), 5e-3) << c.Nq << ", " << c.Nk << ", " << c.d;
    EXPECT_LE(s.error(false), 4e-2) << c.Nq << ", " << c.Nk << ", " << c.d;
  }
}

TEST_F(AttentionS8, LetsNaNThrough) {
  for (const Tensor Problem::*where : {&Problem::q, &Problem::k, &Problem::v}) {
    Problem s({1, 1, 3, 20, 8});
    (s.*where).data()[9] = std::numeric_limits<float>::quiet_NaN();
    ASSERT_TRUE(attention_s8_forward(s.args));
    EXPECT_TRUE(std::any_of(s.y.span().begin(), s.y.span().end(), [](float x) { return std::isnan(x); }));
  }
}

TEST_F(AttentionS8, LeavesOtherRequestsToFloats) {
  Problem s({1, 1, 3, 4, 4});
  s.args.in.dropout = 0.5f;
  EXPECT_FALSE(attention_s8_forward(s.args));
  EXPECT_EQ(s.y.data()[0], -7);
}

}  // namespace
}  // namespace tessera::kernels
