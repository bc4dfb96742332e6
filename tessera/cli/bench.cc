// tessera bench: how fast a model runs or trains on this machine.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/models/registry.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tessera/train/clip.h"
#include "tessera/train/flat_parameters.h"
#include "tessera/train/groups.h"
#include "tessera/train/optimizer.h"

namespace tessera::cli {
namespace {

struct BenchOptions {
  std::string task;
  ModelChoice choice;
  int64_t batch = 1, threads = 0;
  double seconds = 2;
  bool json = false;

  void visit(Options& o) {
    o("task", task,
      "infer: float32 (B, C, H, W), normalised, to logits; train: forward, loss, backward, clipping and AdamW, without "
      "dropout")
        .positional()
        .placeholder("infer|train")
        .one_of({"infer", "train"})
        .required();
    choice.visit(o);
    o("batch", batch, "pictures in a step").at_least(1);
    o("threads", threads, "0: one for each core").at_least(0);
    o("seconds", seconds, "how long to measure, after the warm-up").above(0);
    o("json", json, "one line of JSON");
  }
};

// Standard normal values: speed does not depend on them, except where they underflow.
Tensor noise(Shape shape, const char* purpose) {
  const Tensor x = Tensor::empty(std::move(shape));
  Random random(0, purpose);
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

std::function<void()> infer_step(std::shared_ptr<models::Model> model, int64_t batch) {
  const auto [H, W, C] = model->input();
  const infer::Classifier classifier(std::move(model), {});
  return [classifier, images = noise({batch, C, H, W}, "bench/images")] {
    classifier.logits(infer::channels_last(images));
  };
}

// The same architecture with every drop rate at 0.
std::string without_dropout(const std::string& architecture) {
  auto keys = nlohmann::ordered_json::parse(models::build(architecture)->architecture());
  for (auto& [key, value] : keys.items())
    if (key.ends_with("drop_rate") || key.ends_with("drop_path_rate")) value = 0;
  return keys.dump();
}

std::function<void()> train_step(std::shared_ptr<models::Model> model, int64_t batch) {
  const auto [H, W, C] = model->input();
  TESSERA_CHECK(model->num_classes() > 0, "a model without classes cannot be trained");
  std::vector<int64_t> labels;
  for (int64_t b = 0; b < batch; ++b) labels.push_back(b % model->num_classes());
  auto parameters = std::make_shared<train::FlatParameters>(*model);
  const auto groups = train::parameter_groups(*model, *parameters, {.weight_decay = 0.05});
  std::shared_ptr<train::Optimizer> adamw = train::make_optimizer({}, groups, parameters->size());
  return [=, images = noise({batch, C, H, W}, "bench/images"),
          targets = Tensor::from({batch}, std::span<const int64_t>(labels)), step = uint64_t{0}]() mutable {
    const ops::TrainingState training(ops::Draws{.seed = 0, .step = step++});
    parameters->zero_grad();
    ops::backward(ops::cross_entropy(model->forward(infer::channels_last(images)), targets));
    const Tensor& gradients = parameters->gradients();
    const double scale = train::clip_factor(train::global_norm(gradients), 1.0);
    adamw->step(parameters->values(), gradients, 1e-4, scale);
  };
}

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
  Options options("tessera bench infer|train --model NAME [OPTIONS]", "Measures the speed of a model on this machine.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (!o.choice.given()) fail_usage("option '--model' is missing: a registered model, or --architecture FILE");
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  std::shared_ptr<models::Model> model = models::build(without_dropout(o.choice.json()));
  model->initialise(0);
  Timing timing = measure(o.task == "infer" ? infer_step(model, o.batch) : train_step(model, o.batch), o.seconds);
  const auto count = static_cast<double>(timing.steps.size());
  const double images_per_second = count * static_cast<double>(o.batch) / timing.elapsed;
  const auto middle = timing.steps.begin() + std::ssize(timing.steps) / 2;
  std::nth_element(timing.steps.begin(), middle, timing.steps.end());
  if (o.json) {
    const nlohmann::ordered_json json = {{"task", o.task},
                                         {"model", o.choice.name()},
                                         {"batch", o.batch},
                                         {"threads", num_threads()},
                                         {"precision", "f32"},
                                         {"steps", timing.steps.size()},
                                         {"median_ms", 1e3 * *middle},
                                         {"images_per_second", images_per_second}};
    print("{}\n", json.dump());
  } else {
    print("{} {}: {:.4g} pictures/s, {:.4g} ms a step of {} (median of {}), {} threads, f32\n", o.task, o.choice.name(),
          images_per_second, 1e3 * *middle, o.batch, timing.steps.size(), num_threads());
  }
  return 0;
}

}  // namespace

void register_bench(Registry& registry) { registry.add("bench", {"measures the speed of a model", bench}); }

}  // namespace tessera::cli
