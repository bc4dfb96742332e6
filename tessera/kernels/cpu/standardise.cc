#include "tessera/kernels/standardise.h"

#include <cmath>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Σ value(i) over [0, n), in double and in several sums, which a compiler can keep in vectors.
template <class Value>
double sum_over(int64_t n, Value value) {
  constexpr int64_t kSums = 8;
  double sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int64_t k = 0; k < kSums; ++k) sums[k] += value(i + k);
  for (; i < n; ++i) sums[0] += value(i);
  double sum = 0;
  for (double part : sums) sum += part;
  return sum;
}

struct Row {
  double mean, r, q;
};

Row row_of(const float* x, int64_t K, float eps, EpsilonOn epsilon_on) {
  const double n = static_cast<double>(K), mean = sum_over(K, [=](int64_t i) { return x[i]; }) / n;
  const double variance = sum_over(K, [=](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / n;
  const double deviation = std::sqrt(variance);
  if (epsilon_on == EpsilonOn::variance) {
    const double r = 1 / std::sqrt(variance + eps);
    return {mean, r, r};
  }
  return {mean, 1 / (deviation + eps), deviation > 0 ? 1 / deviation : 0};  // of equal weights y is 0 anyway
}

template <class Body>
void for_rows(int64_t rows, int64_t K, const Body& body) {
  parallel_for(rows, std::max<int64_t>(kMemoryGrain / std::max<int64_t>(K, 1), 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row * K);
  });
}

}  // namespace

void standardise_forward(Context& context, const StandardiseForward& args) {
  const Measured measured(context, [&] { return memory_work("standardise", args.rows * args.K, 2); });
  for_rows(args.rows, args.K, [&](int64_t offset) {
    const float* x = args.x + offset;
    const Row row = row_of(x, args.K, args.eps, args.epsilon_on);
    store_over(args.K, args.y + offset, false,
               [&](int64_t i) { return static_cast<float>((x[i] - row.mean) * row.r); });
  });
}

void standardise_backward(Context& context, const StandardiseBackward& args) {
  const Measured measured(context, [&] { return memory_work("standardise, backward", args.rows * args.K, 3); });
  const double n = static_cast<double>(args.K);
  for_rows(args.rows, args.K, [&](int64_t offset) {
    const float *x = args.x + offset, *dy = args.dy + offset;
    const Row row = row_of(x, args.K, args.eps, args.epsilon_on);
    const auto y = [&](int64_t i) { return (x[i] - row.mean) * row.r; };
    const double mean_dy = sum_over(args.K, [=](int64_t i) { return dy[i]; }) / n;
    const double along = row.q * sum_over(args.K, [&](int64_t i) { return dy[i] * y(i); }) / n;
    store_over(args.K, args.dx.data + offset, args.dx.accumulate,
               [&](int64_t i) { return static_cast<float>(row.r * (dy[i] - mean_dy) - along * y(i)); });
  });
}

}  // namespace tessera::kernels
