// Runs every OpCase: forward against the reference in double, gradients against the reference on dual numbers, on every
// SIMD target, with one thread and several.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/harness/op_case.h"

namespace tessera::test {
namespace {

Tensor run_case(const OpCase& c, const std::vector<Tensor>& inputs) {
  std::optional<ops::Draws> draws;
  if (c.training) draws = ops::Draws{kSeed, kStep, kFirstSample};
  const ops::TrainingState state(draws);
  return c.run(inputs);
}

double norm(const std::vector<double>& x) {
  double sum = 0;
  for (double v : x) sum += v * v;
  return std::sqrt(sum);
}

std::vector<double> normal_vector(const std::string& purpose, int64_t n) {
  Random random(kSeed, purpose);
  std::vector<double> v(static_cast<size_t>(n));
  for (double& value : v) value = static_cast<float>(random.normal());
  return v;
}

// The derivative of the reference along v in input `which`.
std::vector<double> jvp(const OpCase& c, const std::vector<Tensor>& inputs, size_t which,
                        const std::vector<double>& v) {
  std::vector<Array<Dual>> duals;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Array<Dual> dual(inputs[i].shape());
    for (int64_t k = 0; k < inputs[i].numel(); ++k)
      dual[k] = {inputs[i].data()[k], i == which ? v[static_cast<size_t>(k)] : 0.0};
    duals.push_back(std::move(dual));
  }
  std::vector<double> result;
  for (const Dual& y : c.derivative(duals).data) result.push_back(y.derivative);
  return result;
}

void check_forward(const OpCase& c) {
  const std::vector<Tensor> inputs = make_inputs(c);
  std::vector<Array<double>> arrays;
  for (const Tensor& x : inputs) arrays.push_back(to_array(x));
  const Array<double> expected = c.reference(arrays);
  const ops::NoGrad no_grad;
  const Tensor y = run_case(c, inputs);
  ASSERT_EQ(y.shape(), expected.shape);
  double largest = 1e-30, error = 0;
  for (int64_t i = 0; i < y.numel(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double difference = std::abs(static_cast<double>(y.data()[i]) - expected[i]);
    error = std::isnan(difference) ? INFINITY : std::max(error, difference);
  }
  EXPECT_LE(error / largest, c.forward_tolerance) << "forward";
}

// Each input alone, then all together: the gradient of one must not depend on who else wants one.
void check_gradients(const OpCase& c) {
  const size_t together = c.inputs.size();
  for (size_t wanted = 0; wanted <= together; ++wanted) {
    if (wanted < together && !c.inputs[wanted].differentiable) continue;
    std::vector<Tensor> inputs = make_inputs(c);
    for (size_t i = 0; i < inputs.size(); ++i)
      if (c.inputs[i].differentiable && (wanted == i || wanted == together)) inputs[i].set_requires_grad();
    const Tensor y = run_case(c, inputs);
    if (!y.requires_grad()) continue;
    const std::vector<double> dy = normal_vector("dy", y.numel());
    const std::vector<float> dy_f32(dy.begin(), dy.end());
    ops::backward(y, Tensor::from(y.shape(), std::span<const float>(dy_f32)));
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].requires_grad()) continue;
      const Tensor dx = inputs[i].grad();
      ASSERT_TRUE(dx.defined()) << "no gradient of " << c.inputs[i].name;
      for (int trial = 0; trial < 3; ++trial) {
        const std::vector<double> v = normal_vector(fmt::format("v{}", trial), dx.numel());
        const std::vector<double> tangent = jvp(c, inputs, i, v);
        double forward = 0, reverse = 0;
        for (size_t k = 0; k < tangent.size(); ++k) forward += dy[k] * tangent[k];
        for (size_t k = 0; k < v.size(); ++k) reverse += static_cast<double>(dx.data()[k]) * v[k];
        const double scale = std::max(norm(dy) * norm(tangent), 1e-30);
        const double error = std::abs(forward - reverse) / scale;
        EXPECT_LE(std::isnan(error) ? INFINITY : error, c.gradient_tolerance)
            << "gradient of " << c.inputs[i].name << (wanted == together ? ", all wanted" : ", alone");
      }
    }
  }
}

// A second contribution to a gradient adds to the first.
void check_accumulation(const OpCase& c) {
  std::vector<Tensor> inputs = make_inputs(c);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (c.inputs[i].differentiable) inputs[i].set_requires_grad();
  std::vector<Tensor> once;
  for (int pass = 0; pass < 2; ++pass) {
    const Tensor y = run_case(c, inputs);
    if (!y.requires_grad()) return;
    ops::backward(y, Tensor::full(y.shape(), 0.5f));
    for (const Tensor& x : inputs) {
      if (!x.requires_grad()) continue;
      if (pass == 0) once.push_back(x.grad().clone());
    }
  }
  size_t k = 0;
  for (const Tensor& x : inputs) {
    if (!x.requires_grad()) continue;
    double largest = 1e-30, error = 0;
    for (int64_t i = 0; i < x.numel(); ++i) {
      largest = std::max<double>(largest, std::abs(once[k].data()[i]));
      error = std::max<double>(error, std::abs(x.grad().data()[i] - 2 * once[k].data()[i]));
    }
    EXPECT_LE(error / largest, 1e-5) << "accumulated gradient";
    ++k;
  }
}

class Ops : public testing::TestWithParam<OpCase> {};

TEST_P(Ops, EqualTheReferenceOnEveryTargetAndThreadCount) {
  const OpCase& c = GetParam();
  const int threads_before = num_threads();
  std::vector<int64_t> targets = kernels::simd_targets();
  if (c.benchmark) targets.resize(1);
  for (int64_t target : targets) {
    kernels::set_simd_target(target);
    for (int threads : {1, 3}) {
      if (c.benchmark && threads == 1) continue;
      set_num_threads(threads);
      SCOPED_TRACE(kernels::simd_target_name(target) + ", threads: " + std::to_string(threads));
      check_forward(c);
      if (!c.benchmark) check_gradients(c);
    }
  }
  kernels::set_simd_target(0);
  set_num_threads(threads_before);
  if (!c.benchmark) check_accumulation(c);
}

std::string test_name(const testing::TestParamInfo<OpCase>& info) {
  const OpCase& c = info.param;
  std::string name = fmt::format("{}_{}_{}{}", c.op, info.index, c.name, c.benchmark ? "_benchmark" : "");
  for (char& ch : name)
    if (!std::isalnum(static_cast<unsigned char>(ch))) ch = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Ops, testing::ValuesIn(all_op_cases()), test_name);

TEST(Harness, EveryOperationHasACase) {
  // The parts of tessera/ops that are not operations.
  const std::set<std::string> other = {"attention_dropout", "frozen", "precision", "tape", "tap", "training"};
  std::set<std::string> covered;
  for (const OpCase& c : all_op_cases()) covered.insert(c.op);
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TESSERA_SOURCE_DIR) + "/tessera/ops")) {
    if (entry.path().extension() != ".h" || other.count(entry.path().stem())) continue;
    EXPECT_TRUE(covered.count(entry.path().stem())) << entry.path().stem() << " has no OpCase in tests/ops";
  }
}

}  // namespace
}  // namespace tessera::test
