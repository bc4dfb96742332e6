// tessera bench: how fast a model runs or trains on this machine, and where its time goes.
#include <nlohmann/json.hpp>

#include "tessera/cli/bench_complexity.h"
#include "tessera/cli/bench_steps.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/roofline.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/text.h"
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
  std::vector<std::string> models = {"vit_small_patch16_224", "swin_tiny_patch4_window7_224"};
  std::vector<int64_t> sizes = {64, 128, 192, 256, 320, 384, 448, 512};
  std::string out = "complexity";

  void visit(Options& o) {
    o("task", task,
      "infer: float32 (B, C, H, W), normalised, to logits; train: forward, loss, backward, clipping and AdamW, without "
      "dropout; roofline: where the time of one of them goes, operation by operation, and what the machine allows; "
      "complexity: how the cost of inference grows with the picture")
        .positional()
        .placeholder("infer|train|roofline|complexity")
        .one_of({"infer", "train", "roofline", "complexity"})
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
    o.section("Complexity");
    o("models", models, "registered models, whose cost at each size is counted and measured").placeholder("NAME,…");
    o("sizes", sizes, "height and width of the pictures").at_least(1);
    o("out", out, "FILE.csv and FILE.svg are written").placeholder("FILE");
  }
};

// Names with commas between them.
std::vector<std::string> models_of(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  for (const std::string& text : texts)
    for (const std::string& name : split(text, ',')) {
      models::registry().variants.at(name);  // an unknown one is refused before anything is measured
      names.push_back(name);
    }
  return names;
}

int bench(const Arguments& arguments) {
  BenchOptions o;
  Options options(
      "tessera bench infer|train|roofline --model NAME [OPTIONS]\n       tessera bench complexity [--models NAME,…] "
      "[OPTIONS]",
      "Measures the speed of a model on this machine.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (o.threads) set_num_threads(static_cast<int>(o.threads));
  if (o.task == "complexity") {
    if (o.choice.given()) fail_usage("option '--model' is for the other tasks; complexity takes --models");
    if (o.precision == "int8") fail_usage("option '--precision int8' is for infer");
    const ops::WithPrecision precision(ops::precision_named(o.precision));
    bench_complexity({models_of(o.models), o.sizes, o.batch, o.seconds}, o.out, o.json);
    return 0;
  }
  if (!o.choice.given()) fail_usage("option '--model' is missing: a registered model, or --architecture FILE");
  const bool training = o.task == "train" || (o.task == "roofline" && o.of == "train");
  if (training && o.precision == "int8") fail_usage("option '--precision {}' is for inference", o.precision);

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
  const Timing timing = measure(step, o.seconds);
  const auto count = static_cast<double>(timing.steps.size());
  const double images_per_second = count * static_cast<double>(o.batch) / timing.elapsed;
  const double median_ms = 1e3 * timing.median();
  if (o.json) {
    const nlohmann::ordered_json json = {{"task", o.task},           {"model", o.choice.name()},
                                         {"batch", o.batch},         {"threads", num_threads()},
                                         {"precision", o.precision}, {"steps", timing.steps.size()},
                                         {"median_ms", median_ms},   {"images_per_second", images_per_second}};
    print("{}\n", json.dump());
  } else {
    print("{} {}: {:.4g} pictures/s, {:.4g} ms a step of {} (median of {}), {} threads, {}\n", o.task, o.choice.name(),
          images_per_second, median_ms, o.batch, timing.steps.size(), num_threads(), o.precision);
  }
  return 0;
}

}  // namespace

void register_bench(Registry& registry) { registry.add("bench", {"measures the speed of a model", bench}); }

}  // namespace tessera::cli
