#include "tessera/cli/roofline.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tessera/cli/output.h"
#include "tessera/core/parallel.h"
#include "tessera/core/tensor.h"
#include "tessera/kernels/linear_s8.h"
#include "tessera/kernels/matmul.h"
#include "tessera/ops/precision.h"

namespace tessera::cli {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The median time of a call, in seconds, over at least `least` calls and `seconds`.
double median_time(const std::function<void()>& call, int least, double seconds) {
  call();
  std::vector<double> times;
  for (const auto start = Clock::now(); static_cast<int>(times.size()) < least || seconds_since(start) < seconds;) {
    const auto begin = Clock::now();
    call();
    times.push_back(seconds_since(begin));
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

// A product alone: operands in the caches as far as they fit, the right one packed.
double product_alone(const kernels::Work& work) {
  const int64_t M = work.M, N = work.N, K = work.K;
  kernels::Context context;  // without a profile
  kernels::FrozenWeights frozen;
  const DType type = work.dtype;
  const Tensor a = Tensor::zeros({M, K}, type), b = Tensor::zeros({N, K}, type), c = Tensor::zeros({M, N});
  const Tensor scales = Tensor::zeros({std::max(M, N)});
  frozen.add({b.raw(), b.bytes()}, false);
  return median_time(
      [&] {
        if (work.dtype == DType::s8) {
          kernels::linear_s8_forward(context, {.q = a.data<int8_t>(),
                                               .q_scale = scales.data(),
                                               .w = b.data<int8_t>(),
                                               .w_scale = scales.data(),
                                               .y = c.data(),
                                               .rows = M,
                                               .N = N,
                                               .K = K,
                                               .activation = kernels::Activation::none,
                                               .frozen = &frozen});
        } else {
          kernels::matmul(context, {.a = ops::elements_of(a),
                                    .b = ops::elements_of(b),
                                    .c = {c.data()},
                                    .M = M,
                                    .N = N,
                                    .K = K,
                                    .transpose_b = true,
                                    .frozen = &frozen});
        }
      },
      5, 0.1);
}

// Bytes read and written per second by a copy of 256 MB on all threads.
double copy_bandwidth() {
  constexpr int64_t kBytes = 1 << 27;
  const Tensor from = Tensor::zeros({kBytes}, DType::u8), to = Tensor::zeros({kBytes}, DType::u8);
  const double time = median_time(
      [&] {
        parallel_for(kBytes, 1 << 20, [&](int64_t begin, int64_t end) {
          std::memcpy(to.raw() + begin, from.raw() + begin, static_cast<size_t>(end - begin));
        });
      },
      5, 0.2);
  return 2.0 * kBytes / time;
}

}  // namespace

Roofline roofline(const std::function<void()>& step, double seconds) {
  Roofline result;
  step();  // primitives are made, memory is touched
  result.step = 1e3 * median_time(step, 5, seconds);
  kernels::Profile profile;
  constexpr int kSteps = 5;
  kernels::cpu_context().profile = &profile;
  for (int i = 0; i < kSteps; ++i) step();
  kernels::cpu_context().profile = nullptr;

  result.bandwidth = copy_bandwidth();
  constexpr int64_t kSide = 1024;  // of a product that convolutions are held against
  result.best_product =
      2.0 * kSide * kSide * kSide / product_alone({.what = "product", .M = kSide, .N = kSide, .K = kSide});
  for (const auto& [work, calls, time] : profile.rows()) {
    Roofline::Row row{work, static_cast<double>(calls) / kSteps, 1e3 * time / kSteps, 0};
    result.operations += row.calls * work.operations;
    if (work.M) {
      const double alone = product_alone(work);
      row.limit = 1e3 * alone * row.calls;
      result.best_product = std::max(result.best_product, work.operations / alone);
    }
    result.rows.push_back(std::move(row));
  }
  for (Roofline::Row& row : result.rows) {
    if (row.work.M) continue;
    const double computing = row.work.operations / result.best_product;
    row.limit = 1e3 * row.calls * std::max(computing, row.work.bytes / result.bandwidth);
  }
  std::stable_sort(result.rows.begin(), result.rows.end(), [](const auto& a, const auto& b) { return a.ms > b.ms; });
  return result;
}

namespace {

nlohmann::ordered_json as_json(const Roofline& r) {
  nlohmann::ordered_json json = {{"step_ms", r.step},
                                 {"operations", r.operations},
                                 {"best_product", r.best_product},
                                 {"share_of_limit", r.operations / (1e-3 * r.step) / r.best_product},
                                 {"bandwidth", r.bandwidth}};
  for (const Roofline::Row& row : r.rows)
    json["kernels"].push_back({{"kernel", row.work.what},
                               {"calls", row.calls},
                               {"ms", row.ms},
                               {"limit_ms", row.limit},
                               {"operations", row.work.operations},
                               {"bytes", row.work.bytes}});
  return json;
}

// "412 GFLOP/s" of work that multiplies, else "31 GB/s".
std::string rate(const Roofline::Row& row) {
  const double seconds = 1e-3 * row.ms / row.calls;
  if (row.work.operations > 0)
    return fmt::format("{:.0f} G{}/s", 1e-9 * row.work.operations / seconds,
                       row.work.dtype == DType::s8 ? "OP" : "FLOP");
  return fmt::format("{:.0f} GB/s", 1e-9 * row.work.bytes / seconds);
}

}  // namespace

void print_roofline(const Roofline& r, bool json) {
  if (json) return print("{}\n", as_json(r).dump());
  Table table({"kernel", "calls", "ms", "share", "rate", "limit ms", "of limit"}, "lrrrrrr");
  double ms = 0, limit = 0;
  const auto add = [&](const std::string& what, const std::string& calls, double time, const std::string& rate,
                       double least) {
    table.add({what, calls, fmt::format("{:.2f}", time), fmt::format("{:.1f} %", 100 * time / r.step), rate,
               fmt::format("{:.2f}", least), fmt::format("{:.0f} %", 100 * least / std::max(time, 1e-9))});
  };
  for (const Roofline::Row& row : r.rows) {
    add(row.work.what, fmt::format("{:.4g}", row.calls), row.ms, rate(row), row.limit);
    ms += row.ms;
    limit += row.limit;
  }
  add("all kernels", "", ms, "", limit);
  add("a step", "", r.step, "", limit);
  print("{}\n", table.text());
  print("limits: {:.0f} G operations/s, the best product alone; {:.0f} GB/s, copying in memory (caches are faster)\n",
        1e-9 * r.best_product, 1e-9 * r.bandwidth);
  print("{:.2f} G operations in a step: {:.1f} % of the limit\n", 1e-9 * r.operations,
        100 * r.operations / (1e-3 * r.step) / r.best_product);
}

}  // namespace tessera::cli
