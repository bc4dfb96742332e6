// Muon against its formulas in double, written out for single numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/train/optimizer.h"
#include "tests/train/tiny_model.h"

namespace tessera::train {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b[0].size(), 0));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < b[0].size(); ++j)
      for (size_t k = 0; k < b.size(); ++k) c[i][j] += a[i][k] * b[k][j];
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix t(a[0].size(), std::vector<double>(a.size()));
  for (size_t i = 0; i < a.size(); ++i)
    for (size_t j = 0; j < a[0].size(); ++j) t[j][i] = a[i][j];
  return t;
}

// Jordan's zeropower_via_newtonschulz5.
Matrix newton_schulz(Matrix x) {
  double norm = 0;
  for (const auto& row : x)
    for (const double v : row) norm += v * v;
  for (auto& row : x)
    for (double& v : row) v /= std::sqrt(norm) + 1e-7;
  const bool tall = x.size() > x[0].size();
  if (tall) x = transposed(x);
  for (int step = 0; step < 5; ++step) {
    const Matrix a = product(x, transposed(x)), aa = product(a, a);
    Matrix b = a;
    for (size_t i = 0; i < b.size(); ++i)
      for (size_t j = 0; j < b.size(); ++j) b[i][j] = -4.7750 * a[i][j] + 2.0315 * aa[i][j];
    const Matrix bx = product(b, x);
    for (size_t i = 0; i < x.size(); ++i)
      for (size_t j = 0; j < x[0].size(); ++j) x[i][j] = 3.4445 * x[i][j] + bx[i][j];
  }
  return tall ? transposed(x) : x;
}

struct Reference {
  size_t rows, columns;  // rows 0: AdamW
  double weight_decay;
  std::vector<double> values, first, second;

  void step(const std::vector<double>& g, double lr, double mu, int t) {
    for (size_t i = 0; i < g.size() && rows == 0; ++i) {
      values[i] *= 1 - lr * weight_decay;
      first[i] = 0.9 * first[i] + 0.1 * g[i];
      second[i] = 0.999 * second[i] + 0.001 * g[i] * g[i];
      values[i] -= lr / (1 - std::pow(0.9, t)) * first[i] / (std::sqrt(second[i] / (1 - std::pow(0.999, t))) + 1e-8);
    }
    if (rows == 0) return;
    Matrix u(rows, std::vector<double>(columns));
    for (size_t i = 0; i < g.size(); ++i) {
      first[i] = mu * first[i] + (1 - mu) * g[i];
      u[i / columns][i % columns] = (1 - mu) * g[i] + mu * first[i];
    }
    const Matrix o = newton_schulz(u);
    const double rate = lr * 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns)));
    for (size_t i = 0; i < g.size(); ++i)
      values[i] = (1 - lr * weight_decay) * values[i] - rate * o[i / columns][i % columns];
  }
};

// The first of them stands before the blocks, the last is the head; tokens and vectors are AdamW's too.
const std::vector<test::NamedShape> kShapes = {{"embed", {6, 5}},           {"wide", {4, 7}}, {"tall", {9, 3}},
                                               {"kernel", {4, 2, 3, 3}},    {"bias", {5}},    {"token", {2, 4}},
                                               {"depthwise", {4, 1, 3, 3}}, {"head", {3, 8}}};

TEST(Muon, FollowsItsFormulas) {
  test::TinyModel model(kShapes);
  Random random(3, "muon");
  for (size_t i = 0; i < kShapes.size(); ++i)
    for (float& v : model.tensor(i).span()) v = static_cast<float>(random.normal());
  FlatParameters flat(model);
  const std::vector<Group> groups = parameter_groups(model, flat, {.weight_decay = 0.1, .by_parameter = true});
  ASSERT_EQ(groups.size(), kShapes.size());
  std::vector<Reference> references;
  const std::vector<int64_t> rows = {0, 4, 9, 4, 0, 0, 0, 0};
  for (size_t i = 0; i < kShapes.size(); ++i) {
    EXPECT_EQ(groups[i].rows, rows[i]) << kShapes[i].name;
    const auto values = model.tensor(i).span();
    const auto r = static_cast<size_t>(rows[i]);
    references.push_back({r,
                          r ? values.size() / r : 0,
                          groups[i].weight_decay,
                          {values.begin(), values.end()},
                          std::vector<double>(values.size()),
                          std::vector<double>(values.size())});
  }
  OptimizerOptions options;
  options.kind = "muon";
  options.momentum = 0.95;
  const auto optimizer = make_optimizer(options, groups, flat.size());
  for (int t = 1; t <= 6; ++t) {
    const Tensor gradients = Tensor::zeros({flat.size()});
    const double lr = 0.02 * t, scale = t == 3 ? 0.25 : 1;
    for (size_t i = 0; i < kShapes.size(); ++i) {
      std::vector<double> g;
      for (int64_t k = 0; k < flat.slices()[i].size; ++k) {
        float& value = gradients.data()[flat.slices()[i].begin + k];
        value = static_cast<float>(random.normal());
        g.push_back(scale * static_cast<double>(value));
      }
      references[i].step(g, lr, 0.95, t);
    }
    optimizer->step(flat.values(), gradients, lr, scale);
    for (size_t i = 0; i < kShapes.size(); ++i)
      for (size_t k = 0; k < references[i].values.size(); ++k)
        ASSERT_NEAR(model.tensor(i).data()[k], references[i].values[k], 3e-5) << kShapes[i].name << " " << t;
  }
  EXPECT_EQ(optimizer->state().size(), 2u);
}

// Whatever the gradient's singular values, an update has all of them near 1 (times the rate).
TEST(Muon, UpdatesAreNearlyOrthogonal) {
  test::TinyModel model({{"a", {2, 2}}, {"weight", {16, 48}}, {"z", {2, 2}}});
  FlatParameters flat(model);
  flat.values();
  OptimizerOptions options;
  options.kind = "muon";
  const auto groups = parameter_groups(model, flat, {.by_parameter = true});
  const auto optimizer = make_optimizer(options, groups, flat.size());
  const Tensor gradients = Tensor::zeros({flat.size()});
  Random random(5, "muon");
  for (int64_t i = 0; i < 16 * 48; ++i)  // rows of very different lengths
    gradients.data()[groups[1].begin + i] = static_cast<float>(random.normal() / (1.0 + static_cast<double>(i / 48)));
  const Tensor& weight = model.tensor(1);
  std::fill_n(weight.data(), weight.numel(), 0.0f);
  optimizer->step(flat.values(), gradients, 1);
  Matrix o(16, std::vector<double>(48));
  for (size_t i = 0; i < 16 * 48; ++i) o[i / 48][i % 48] = weight.data()[i] / (0.2 * std::sqrt(48.0));
  const Matrix gram = product(o, transposed(o));
  for (size_t i = 0; i < 16; ++i) {
    EXPECT_GT(gram[i][i], 0.4);
    EXPECT_LT(gram[i][i], 1.6);
    for (size_t j = 0; j < i; ++j) EXPECT_LT(std::abs(gram[i][j]), 0.35);
  }
}

}  // namespace
}  // namespace tessera::train
