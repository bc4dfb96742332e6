// Muon: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024),
// https://kellerjordan.github.io/posts/muon. For each matrix W (r, c) of a hidden layer, with its gradient G:
//   M ← M + (1 − μ)(G − M),   U = (1 − μ) G + μ M (Nesterov's look ahead)
//   O = the orthogonal matrix near U, by five steps of Newton and Schulz from U / ‖U‖:
//       X ← (a I + b X Xᵀ + c (X Xᵀ)²) X,   (a, b, c) = (3.4445, −4.7750, 2.0315)
//   W ← (1 − lr·wd) W − lr · 0.2 √max(r, c) · O
// The last factor makes an update as large as AdamW's usually are (Liu et al., "Muon is Scalable for LLM Training",
// 2025), so that one rate serves both: everything else (embeddings, positions, tokens, norms, biases, heads) is
// AdamW's.
#include <algorithm>
#include <cmath>
#include <utility>

#include "tessera/core/parallel.h"
#include "tessera/kernels/matmul.h"
#include "tessera/train/optimizers/adam.h"
#include "tessera/train/optimizers/registry.h"

namespace tessera::train {
namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
constexpr int kNewtonSchulzSteps = 5;
constexpr double kEps = 1e-7;
constexpr double kUsualUpdate = 0.2;  // root mean square of AdamW's updates / lr
constexpr int64_t kGrain = 16384;

// c = a·b, (M, K)·(K, N)
void multiply(const float* a, bool transpose_a, const float* b, bool transpose_b, float* c, int64_t M, int64_t N,
              int64_t K) {
  kernels::matmul(
      kernels::cpu_context(),
      {.a = {a}, .b = {b}, .c = {c}, .M = M, .N = N, .K = K, .transpose_a = transpose_a, .transpose_b = transpose_b});
}

// x (r, c), in place: nearly x (xᵀx)^(-1/2), its singular values between 0.7 and 1.2. The products of x with itself are
// made on its shorter side.
void orthogonalise(float* x, int64_t r, int64_t c) {
  const int64_t n = r * c, s = std::min(r, c);
  const double norm = std::sqrt(kernels::sum_of_squares(kernels::cpu_context(), x, n));
  const auto scale = static_cast<float>(1 / (norm + kEps));
  parallel_for(n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) x[i] *= scale;
  });
  const Tensor gram = Tensor::empty({s, s}), squared = Tensor::empty({s, s}), next = Tensor::empty({r, c});
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    const bool wide = r <= c;
    multiply(x, !wide, x, wide, gram.data(), s, s, wide ? c : r);  // X Xᵀ, or Xᵀ X where X is tall
    multiply(gram.data(), false, gram.data(), false, squared.data(), s, s, s);
    for (int64_t i = 0; i < s * s; ++i) {
      const double identity = i / s == i % s ? kA : 0.0;
      gram.data()[i] = static_cast<float>(identity + kB * gram.data()[i] + kC * squared.data()[i]);
    }
    if (wide) {
      multiply(gram.data(), false, x, false, next.data(), r, c, s);
    } else {
      multiply(x, false, gram.data(), false, next.data(), r, c, s);
    }
    std::copy_n(next.data(), n, x);
  }
}

class Muon final : public Optimizer {
 public:
  Muon(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)
      : Optimizer(std::move(groups)),
        options_(options),
        first_(Tensor::zeros({size})),
        second_(Tensor::zeros({size})),
        update_(Tensor::zeros({size})) {}

  // The first moment of a hidden matrix is its momentum; it has no second one.
  std::vector<std::pair<std::string, Tensor>> state() const override {
    return {{"first_moment", first_}, {"second_moment", second_}};
  }

 private:
  // The orthogonal updates of all hidden matrices.
  void prepare(const Tensor&, const Tensor& gradients, double gradient_scale) override {
    const auto mu = static_cast<float>(options_.momentum), fresh = static_cast<float>(1 - options_.momentum);
    const auto scale = static_cast<float>(gradient_scale);
    for (const Group& group : groups()) {
      if (group.rows == 0) continue;
      const float* g = gradients.data() + group.begin;
      float* m = first_.data() + group.begin;
      float* u = update_.data() + group.begin;
      parallel_for(group.size, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          m[i] += fresh * (scale * g[i] - m[i]);
          u[i] = fresh * scale * g[i] + mu * m[i];
        }
      });
      orthogonalise(u, group.rows, group.size / group.rows);
    }
  }

  void update(float* values, const float* gradients, int64_t begin, int64_t end, const Group& group, double lr,
              double gradient_scale) override {
    if (group.rows == 0) {
      kernels::AdamStep step = adam_arguments(options_, /*decoupled=*/true, group, lr, gradient_scale, steps_);
      step.parameter = values + begin;
      step.gradient = gradients + begin;
      step.first = first_.data() + begin;
      step.second = second_.data() + begin;
      step.n = end - begin;
      kernels::adam_step(kernels::cpu_context(), step);
      return;
    }
    const auto longer = static_cast<double>(std::max(group.rows, group.size / group.rows));
    const auto shrink = static_cast<float>(1 - lr * group.weight_decay);
    const auto rate = static_cast<float>(lr * kUsualUpdate * std::sqrt(longer));
    for (int64_t i = begin; i < end; ++i) values[i] = shrink * values[i] - rate * update_.data()[i];
  }

  OptimizerOptions options_;
  Tensor first_, second_, update_;
};

}  // namespace

void register_muon(OptimizerRegistry& registry) { registry.add("muon", optimizer_kind<Muon>(/*by_parameter=*/true)); }

}  // namespace tessera::train
