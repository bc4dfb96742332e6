#include "tessera/cli/bench_steps.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <regex>

#include "tessera/core/error.h"
#include "tessera/core/random.h"
#include "tessera/infer/classifier.h"
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

// Standard normal values: speed does not depend on them, except where they underflow.
Tensor noise(Shape shape, const char* purpose) {
  const Tensor x = Tensor::empty(std::move(shape));
  Random random(0, purpose);
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

}  // namespace

double Timing::median() const {
  std::vector<double> sorted = steps;
  const auto middle = sorted.begin() + std::ssize(sorted) / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

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

std::function<void()> infer_step(std::shared_ptr<models::Model> model, int64_t batch) {
  const auto [H, W, C] = model->input();
  const auto classifier = infer::Classifier(std::move(model), {}).with_precision(ops::current_precision());
  return [classifier, images = noise({batch, C, H, W}, "bench/images")] {
    classifier.logits(infer::channels_last(images));
  };
}

std::string without_dropout(const std::string& architecture) {
  auto keys = nlohmann::ordered_json::parse(models::build(architecture)->architecture());
  for (auto& [key, value] : keys.items())
    if (key.ends_with("drop_rate") || key.ends_with("drop_path_rate") || key.starts_with("dropout") ||
        key == "stochastic_depth_prob")
      value = 0;
  static const std::regex layer("\\bdropout +[^ ,\"]+");  // within a network of layers
  return std::regex_replace(keys.dump(), layer, "dropout 0");
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

}  // namespace tessera::cli
