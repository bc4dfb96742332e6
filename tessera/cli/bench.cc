// tessera bench: how fast a model runs or trains on this machine, and where its time goes.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tessera/cli/bench_steps.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/roofline.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/infer/quantize.h"
#include "tessera/models/registry.h"
#include "tessera/ops/precision.h"

namespace tessera::cli {
namespace {

struct BenchOptions {
  std::string task, of = "infer", precision = "f32";
  ModelChoice choice;
  int64_t batch = 1, threads = 0;
  double seconds = 2;
  bool recompute = false, json = false;

  void visit(Options& o) {
    o("task", task,
      "infer: float32 (B, C, H, W), normalised, to logits; train: forward, loss, backward, clipping and AdamW, without "
      "dropout; roofline: where the time of one of them goes, operation by operation, and what the machine allows")
        .positional()
        .placeholder("infer|train|roofline")
        .one_of({"infer", "train", "roofline"})
        .required();
    o("of", of, "what a roofline is drawn of").one_of({"infer", "train"});
    choice.visit(o);
    o("batch", batch, "pictures in a step").at_least(1);
    o("threads", threads, "0: one for each core").at_least(0);
    o("precision", precision, "of the products; int8: quantised weights, inference only")
        .one_of({"f32", "bf16", "int8"});
    o("recompute", recompute, "in training, keep nothing within blocks");
    o("seconds", seconds, "how long to measure, after the warm-up").above(0);
    o("json", json, "one line of JSON");
  }
};

struct Timing {
  double elapsed = 0;         // seconds
  std::vector<double> steps;  // seconds each
};

Timing measure(const std::function<void()>& step, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  for (int i = 0; i < 2; ++i) step();  // primitives are made, memory is touched
  Timing timing;
  const Clock::time_point start = Clock::now();
  while (timing.elapsed < seconds) {
    const Clock::time_point begin = Clock::now();
    step();
    timing.steps.push_back(since(begin));
    timing.elapsed = since(start);
  }
  return timing;
}

int bench(const Arguments& arguments) {
  BenchOptions o;
  Options options("tessera bench infer|train|roofline --model NAME [OPTIONS]",
                  "Measures the speed of a model on this machine.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (!o.choice.given()) fail_usage("option '--model' is missing: a registered model, or --architecture FILE");
  const bool training = o.task == "train" || (o.task == "roofline" && o.of == "train");
  if (training && o.precision == "int8") fail_usage("option '--precision {}' is for inference", o.precision);
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  std::shared_ptr<models::Model> model = models::build(without_dropout(o.choice.json()));
  model->initialise(0);
  model->set_recompute(o.recompute);
  if (o.precision == "int8") infer::quantise(*model, model->products());
  const ops::WithPrecision precision(ops::precision_named(o.precision == "int8" ? "f32" : o.precision));
  const std::function<void()> step = training ? train_step(model, o.batch) : infer_step(model, o.batch);
  if (o.task == "roofline") {
    print_roofline(roofline(step, o.seconds), o.json);
    return 0;
  }
  Timing timing = measure(step, o.seconds);
  const auto count = static_cast<double>(timing.steps.size());
  const double images_per_second = count * static_cast<double>(o.batch) / timing.elapsed;
  const auto middle = timing.steps.begin() + std::ssize(timing.steps) / 2;
  std::nth_element(timing.steps.begin(), middle, timing.steps.end());
  if (o.json) {
    const nlohmann::ordered_json json = {{"task", o.task},
                                         {"model", o.choice.name()},
                                         {"batch", o.batch},
                                         {"threads", num_threads()},
                                         {"precision", o.precision},
                                         {"steps", timing.steps.size()},
                                         {"median_ms", 1e3 * *middle},
                                         {"images_per_second", images_per_second}};
    print("{}\n", json.dump());
  } else {
    print("{} {}: {:.4g} pictures/s, {:.4g} ms a step of {} (median of {}), {} threads, {}\n", o.task, o.choice.name(),
          images_per_second, 1e3 * *middle, o.batch, timing.steps.size(), num_threads(), o.precision);
  }
  return 0;
}

}  // namespace

void register_bench(Registry& registry) { registry.add("bench", {"measures the speed of a model", bench}); }

}  // namespace tessera::cli
