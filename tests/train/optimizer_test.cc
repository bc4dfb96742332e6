#include "tessera/train/optimizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/formats/npz.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/train/adaptive_clip.h"
#include "tessera/train/clip.h"
#include "tessera/train/optimizers/registry.h"
#include "tests/golden_model.h"
#include "tests/support.h"
#include "tests/train/tiny_model.h"

namespace tessera::train {
namespace {

using nlohmann::json;
using test::golden_path;

constexpr int kSteps = 25;
const std::vector<test::NamedShape> kTensors = {{"weight", {4, 3}}, {"bias", {5}}, {"kernel", {2, 3, 2}}};

struct Reference {
  json cases = json::parse(read_text(golden_path("train/optimizers.json")));
  formats::NamedArrays arrays = formats::read_npz(golden_path("train/optimizers.npz"));
};

const Reference& reference() {
  static const Reference reference;
  return reference;
}

// The flat gradient of step t.
Tensor gradients_of(const FlatParameters& flat, int t) {
  Tensor gradients = Tensor::zeros({flat.size()});
  for (const auto& slice : flat.slices()) {
    const std::vector<float> all = formats::to_f32(formats::at(reference().arrays, slice.name + ".gradients"));
    std::copy_n(all.data() + t * slice.size, slice.size, gradients.data() + slice.begin);
  }
  return gradients;
}

OptimizerOptions options_of(const json& c) {
  OptimizerOptions options;
  options.kind = c["optimizer"];
  for (char& letter : options.kind) letter = static_cast<char>(std::tolower(letter));
  const json& settings = c["settings"];
  if (options.kind == "lion") {
    options.beta1 = settings["betas"][0];
    options.beta2 = settings["betas"][1];
    options.caution = settings["caution"];
  } else if (options.kind == "lamb") {
    options.beta1 = settings["betas"][0];
    options.beta2 = settings["betas"][1];
    options.eps = settings["eps"];
    options.bias_correction = settings["bias_correction"];
    options.trust_clip = settings["trust_clip"];
    options.always_adapt = settings["always_adapt"];
  } else if (options.kind == "sgd") {
    options.momentum = settings["momentum"];
    options.dampening = settings["dampening"];
    options.nesterov = settings["nesterov"];
  } else {
    options.beta1 = settings["betas"][0];
    options.beta2 = settings["betas"][1];
    options.eps = settings["eps"];
    options.amsgrad = settings["amsgrad"];
  }
  return options;
}

// What the trainer multiplies the gradient by. timm's LAMB clips by itself.
double factor_of(const json& c, double norm) {
  if (c["optimizer"] == "Lamb") {
    const json& largest = c["settings"]["max_grad_norm"];
    return largest.is_null() ? 1 : 1 / std::max(1.0, norm / largest.get<double>());
  }
  return clip_factor(norm, c["clip_grad_norm"].is_null() ? 0.0 : c["clip_grad_norm"].get<double>());
}

// The largest relative error over all steps and tensors.
double follow(const json& c) {
  test::TinyModel model(kTensors);
  for (size_t i = 0; i < kTensors.size(); ++i)
    formats::copy_to_f32(formats::at(reference().arrays, kTensors[i].name + ".initial"), model.tensor(i).span());
  FlatParameters flat(model);
  const OptimizerOptions options = options_of(c);
  const GroupOptions groups{.weight_decay = c["settings"]["weight_decay"],
                            .decayed = Decayed::everything,
                            .by_parameter = optimizers().at(options.kind).by_parameter};
  const auto optimizer = make_optimizer(options, parameter_groups(model, flat, groups), flat.size());
  double worst = 0;
  for (int t = 0; t < kSteps; ++t) {
    const Tensor gradients = gradients_of(flat, t);
    const double norm = global_norm(gradients);
    EXPECT_NEAR(norm, c["grad_norm_before_clipping"][t].get<double>(), 1e-6 * norm);
    optimizer->step(flat.values(), gradients, c["lr_per_step"][t], factor_of(c, norm));
    for (size_t i = 0; i < kTensors.size(); ++i) {
      const std::string name = std::to_string(c["case"].get<int>()) + "." + kTensors[i].name;
      const std::vector<double> all = formats::to_f64(formats::at(reference().arrays, name));
      const int64_t n = model.tensor(i).numel();
      double largest = 0, difference = 0;
      for (int64_t k = 0; k < n; ++k) {
        const double expected = all[static_cast<size_t>(t * n + k)];
        largest = std::max(largest, std::abs(expected));
        difference = std::max(difference, std::abs(model.tensor(i).data()[k] - expected));
      }
      worst = std::max(worst, difference / largest);
    }
  }
  return worst;
}

TEST(Optimizer, FollowsPyTorchAndTimmOnEveryTarget) {
  int followed = 0;
  double worst = 0;
  for (int64_t target : kernels::simd_targets()) {
    kernels::set_simd_target(target);
    for (const json& c : reference().cases["cases"]) {
      SCOPED_TRACE(c["optimizer"].get<std::string>() + " " + c["settings"].dump());
      const double error = follow(c);
      EXPECT_LE(error, 2e-6);
      worst = std::max(worst, error);
      ++followed;
    }
  }
  EXPECT_EQ(followed, 23 * static_cast<int>(kernels::simd_targets().size()));
  RecordProperty("worst_relative_error", fmt::format("{}", worst));
  kernels::set_simd_target(0);
}

TEST(Clip, FactorsArePyTorchs) {
  test::TinyModel model(kTensors);
  FlatParameters flat(model);
  int checked = 0;
  for (const json& c : reference().cases["clip_grad_norm"]) {
    if (c["norm"] != "2.0") continue;
    const double norm = global_norm(gradients_of(flat, c["gradients_of_step"].get<int>() - 1));
    EXPECT_NEAR(norm, c["total_norm"].get<double>(), 1e-7 * norm);
    const double factor = c["factor"];
    EXPECT_NEAR(clip_factor(norm, c["max_norm"]), factor, 2e-7 * factor);
    ++checked;
  }
  EXPECT_EQ(checked, 6);
  EXPECT_EQ(clip_factor(1e9, 0), 1);
}

TEST(Clip, AdaptiveClippingIsTimms) {
  int checked = 0;
  for (const json& c : reference().cases["adaptive_clipping_timm"]) {
    test::TinyModel model(kTensors);
    for (size_t i = 0; i < kTensors.size(); ++i)
      formats::copy_to_f32(formats::at(reference().arrays, kTensors[i].name + ".initial"), model.tensor(i).span());
    FlatParameters flat(model);
    const Tensor gradients = gradients_of(flat, c["gradients_of_step"].get<int>() - 1);
    clip_adaptively(flat, gradients, c["clip_factor"], c["eps"]);
    for (const auto& slice : flat.slices()) {
      const Tensor clipped = FlatParameters::view(gradients, slice);
      std::vector<float> values;
      test::detail::append_values(c["clipped"][slice.name], values);
      ASSERT_EQ(std::ssize(values), slice.size);
      for (int64_t i = 0; i < slice.size; ++i) {
        const double value = values[static_cast<size_t>(i)];
        EXPECT_NEAR(clipped.data()[i], value, 3e-7 * std::abs(value)) << slice.name << i;
      }
    }
    ++checked;
  }
  EXPECT_EQ(checked, 2);
}

TEST(Clip, TheNormTellsWhatIsNotFinite) {
  Tensor x = Tensor::full({100001}, 1e30f);
  EXPECT_NEAR(global_norm(x), 1e30 * std::sqrt(100001.0), 1e25);
  x.data()[77777] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::isinf(global_norm(x)));
  x.data()[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(global_norm(x)));
}

// Groups that end anywhere inside pieces and vectors: every element gets its own group's rates, for any thread count.
TEST(Optimizer, GroupsAndThreadsDoNotChangeBits) {
  constexpr int64_t n = 70001;
  const std::vector<Group> groups = {
      {0, 33333, 1, 0.1, 33333}, {33333, 33334, 0.5, 0, 1}, {33334, n, 0.25, 0.2, n - 33334}};
  const auto run = [&](const std::string& kind, const std::vector<Group>& parts, int threads) {
    const int before = num_threads();
    set_num_threads(threads);
    OptimizerOptions options;
    options.kind = kind;
    Tensor values = Tensor::empty({n}), gradients = Tensor::empty({n});
    Random random(1, "optimizer test");
    for (float& v : values.span()) v = static_cast<float>(random.normal());
    for (float& g : gradients.span()) g = static_cast<float>(random.normal());
    const auto optimizer = make_optimizer(options, parts, n);
    for (int t = 0; t < 3; ++t) optimizer->step(values, gradients, 0.1);
    set_num_threads(before);
    return values;
  };
  for (const std::string& kind : optimizers().names()) {
    const Tensor one = run(kind, groups, 1), three = run(kind, groups, 3);
    EXPECT_EQ(std::memcmp(one.raw(), three.raw(), one.bytes()), 0) << kind;
    if (kind == "lamb") continue;  // its rates depend on the whole group
    for (const Group& group : groups) {
      const Tensor alone = run(kind, {{0, n, group.lr_scale, group.weight_decay, n}}, 2);
      EXPECT_EQ(std::memcmp(one.data() + group.begin, alone.data() + group.begin,
                            sizeof(float) * static_cast<size_t>(group.end - group.begin)),
                0)
          << kind;
    }
  }
}

TEST(Optimizer, UnknownKindIsAUsageError) {
  OptimizerOptions options;
  options.kind = "adamx";
  EXPECT_THROW(make_optimizer(options, {{0, 1, 1, 0}}, 1), UsageError);
}

}  // namespace
}  // namespace tessera::train
