// Times every OpCase that is marked as a benchmark: inference, and training (forward and backward, every gradient).
//
//   OMP_NUM_THREADS=2 build/release/bin/bench_ops --benchmark_filter=linear
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <string>

#include "tessera/core/parallel.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/harness/op_case.h"

namespace tessera::test {
namespace {

void report_flops(benchmark::State& state, double flops) {
  if (flops > 0) state.counters["FLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void time_inference(benchmark::State& state, const OpCase& c) {
  const std::vector<Tensor> inputs = make_inputs(c);
  const ops::NoGrad no_grad;
  const ops::TrainingState evaluation(std::nullopt);
  for (auto _ : state) benchmark::DoNotOptimize(c.run(inputs).raw());
  report_flops(state, c.flops);
}

// Backward costs two products where forward costs one.
void time_training(benchmark::State& state, const OpCase& c) {
  std::vector<Tensor> inputs = make_inputs(c);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (c.inputs[i].differentiable) inputs[i].set_requires_grad();
  const ops::TrainingState training(ops::Draws{kSeed, kStep, kFirstSample});
  const Tensor dy = Tensor::full(c.run(inputs).shape(), 1);
  for (auto _ : state) {
    for (const Tensor& x : inputs) ops::zero_grad(x);
    ops::backward(c.run(inputs), dy);
  }
  report_flops(state, 3 * c.flops);
}

}  // namespace
}  // namespace tessera::test

int main(int argc, char** argv) {
  using namespace tessera::test;
  for (const OpCase& c : all_op_cases()) {
    if (!c.benchmark) continue;
    const std::string name = c.op + "/" + c.name;
    benchmark::RegisterBenchmark((name + "/inference").c_str(), [c](auto& state) { time_inference(state, c); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    benchmark::RegisterBenchmark((name + "/training").c_str(), [c](auto& state) { time_training(state, c); })
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  }
  benchmark::AddCustomContext("threads", std::to_string(tessera::num_threads()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
