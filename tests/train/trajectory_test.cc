// A whole training run against PyTorch and timm in float64: 48 steps of a tiny ViT on MNIST, from weights by formula.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tessera/formats/npz.h"
#include "tessera/models/registry.h"
#include "tessera/ops/tape.h"
#include "tessera/train/learner.h"
#include "tessera/train/metrics.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

// The elements behind the header of a gzipped idx file, from the first one on.
std::vector<uint8_t> read_idx(const std::filesystem::path& path, size_t header, size_t count) {
  std::vector<uint8_t> bytes(header + count);
  const gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_EQ(gzread(file, bytes.data(), static_cast<unsigned>(bytes.size())), static_cast<int>(bytes.size())) << path;
  gzclose(file);
  return {bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.end()};
}

data::Batch read_mnist(const std::filesystem::path& folder, const std::string& part, int64_t count) {
  const auto n = static_cast<size_t>(count);
  const auto pixels = read_idx(folder / (part + "-images-idx3-ubyte.gz"), 16, n * 28 * 28);
  const auto labels = read_idx(folder / (part + "-labels-idx1-ubyte.gz"), 8, n);
  data::Batch batch;
  batch.images = Tensor::empty({count, 28, 28, 1});
  batch.labels = Tensor::empty({count}, DType::i64);
  std::transform(pixels.begin(), pixels.end(), batch.images.data(),
                 [](uint8_t pixel) { return static_cast<float>((pixel / 255.0 - 0.1307) / 0.3081); });
  std::copy(labels.begin(), labels.end(), batch.labels.data<int64_t>());
  return batch;
}

TrainOptions options_of(const json& c) {
  const json& optimizer = c["optimizer"];
  TrainOptions options;
  options.beta1 = optimizer["betas"][0];
  options.beta2 = optimizer["betas"][1];
  options.eps = optimizer["eps"];
  options.lr = optimizer["lr"];
  options.weight_decay = optimizer["weight_decay"];
  options.decayed = "two_dimensional";
  options.warmup = c["schedule"]["warmup_t"];
  options.warmup_lr = c["schedule"]["warmup_lr_init"];
  options.label_smoothing = c["label_smoothing"];
  options.clip = c["clip_grad_norm"];
  return options;
}

class Trajectory : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = test::shared_path("data/mnist");
    if (!folder) GTEST_SKIP() << "shared/data/mnist is absent";
    c = json::parse(read_text(test::golden_path("train/trajectory/case.json")));
    expected = formats::read_npz(test::golden_path("train/trajectory/result.npz"));
    training = read_mnist(*folder, "train", c["data"]["train_images"][1]);
    tests = read_mnist(*folder, "t10k", c["data"]["test_images"][1]);
    json architecture = c["model"];
    architecture["family"] = "vit";
    model = models::build(architecture.dump());
    for (const nn::Parameter& parameter : model->parameters())
      for (const json& tensor : c["tensors"])
        if (tensor["name"] == parameter.name) {
          const auto values = test::golden_values(test::detail::golden_tensor_of(tensor));
          ASSERT_EQ(static_cast<int64_t>(values.size()), parameter.tensor->numel());
          std::copy(values.begin(), values.end(), parameter.tensor->data());
        }
    ASSERT_EQ(model->num_parameters(), c["parameters"].get<int64_t>());
  }

  data::Batch batch_of(int64_t t) const {
    const int64_t B = c["data"]["batch"], begin = t * B % training.labels.numel();
    data::Batch batch;
    batch.images = training.images.rows(begin, B);
    batch.labels = training.labels.rows(begin, B);
    return batch;
  }

  // The error of the logits of the test pictures, relative to the largest.
  double logits_error(const std::string& name) {
    const ops::NoGrad no_grad;
    const Tensor logits = model->forward(tests.images);
    Metrics metrics(10);
    metrics.add(logits.span(), tests.labels.span<int64_t>());
    if (name == "final_logits") {
      EXPECT_EQ(std::lround(metrics.accuracy() * 64), c["test_correct"].get<int>());
    }
    return test::relative_error(logits.span(), formats::at(expected, name));
  }

  // Mean and L2 norm of each averaged tensor but the key biases, which drift (README of the reference).
  double checksum_error(const FlatParameters& parameters, const Tensor& average, const json& sums) const {
    double worst = 0;
    for (const auto& slice : parameters.slices()) {
      if (slice.name.ends_with("qkv.bias")) continue;
      const Tensor values = FlatParameters::view(average, slice);
      double sum = 0, squares = 0;
      for (double v : values.span()) sum += v, squares += v * v;
      const double n = static_cast<double>(values.numel()), l2 = sums.at(slice.name)[1];
      worst = std::max(worst, std::abs(sum / n - sums.at(slice.name)[0].get<double>()) * std::sqrt(n) / l2);
      worst = std::max(worst, std::abs(std::sqrt(squares) - l2) / l2);
    }
    return worst;
  }

  void follow(int64_t parts);

  json c;
  formats::NamedArrays expected;
  data::Batch training, tests;
  std::unique_ptr<models::Model> model;
};

// `parts`: that each batch is computed in.
void Trajectory::follow(int64_t parts) {
  TrainOptions options = options_of(c);
  options.accumulate = parts;
  options.ema = c["ema"]["decay"];
  Learner learner(*model, options);
  const Schedule schedule = schedule_options(options, c["schedule"]["t_initial"]);
  const FlatParameters& parameters = learner.parameters();
  // "constant": starts as a copy of the first weights.
  Ema constant({.decay = c["ema"]["decay"], .warm_up = false}, parameters.values());
  Ema plain({.decay = c["ema"]["decay"], .warm_up = false}, parameters.values());
  constant.update(parameters.values().data(), 0, parameters.size(), 1);
  double loss_error = 0, norm_error = 0;
  for (const json& step : c["steps"]) {
    const int64_t t = step["step"];
    const double lr = schedule.at(static_cast<double>(t));
    EXPECT_NEAR(lr, step["lr"].get<double>(), 1e-15);
    const auto result = learner.learn(batch_of(t), t, lr);
    const double norm = step["grad_norm_before_clipping"];
    loss_error = std::max(loss_error, std::abs(result.loss - step["loss"].get<double>()));
    norm_error = std::max(norm_error, std::abs(result.gradient_norm - norm) / norm);
    constant.update(parameters.values().data(), 0, parameters.size(), t + 2);
    plain.update(parameters.values().data(), 0, parameters.size(), t + 1);
  }
  EXPECT_LE(loss_error, 1e-5);
  EXPECT_LE(norm_error, 1e-5);
  double weight_error = 0;
  for (const auto& slice : parameters.slices())
    if (!slice.name.ends_with("qkv.bias"))
      weight_error =
          std::max(weight_error, test::relative_error(FlatParameters::view(parameters.values(), slice).span(),
                                                      formats::at(expected, "final." + slice.name)));
  EXPECT_LE(weight_error, 1e-5);
  const double final_error = logits_error("final_logits");
  EXPECT_LE(final_error, 1e-5);
  const json& sums = c["ema"]["mean_and_l2"];
  const double ema_error = std::max({checksum_error(parameters, constant.average(), sums["constant"]),
                                     checksum_error(parameters, plain.average(), sums["with step, no warm-up"]),
                                     checksum_error(parameters, learner.average(), sums["with step and warm-up"])});
  EXPECT_LE(ema_error, 1e-6);
  const WithAverage with(learner);
  const double ema_logits_error = logits_error("ema_logits.with_step_and_warm-up");
  EXPECT_LE(ema_logits_error, 1e-5);
  RecordProperty("errors",
                 fmt::format("loss {:.1e}, gradient norm {:.1e}, weights {:.1e}, logits {:.1e}, average {:.1e}, its "
                             "logits {:.1e}",
                             loss_error, norm_error, weight_error, final_error, ema_error, ema_logits_error));
}

TEST_F(Trajectory, FollowsPyTorch) { follow(1); }
TEST_F(Trajectory, FollowsPyTorchWithTheBatchInTwoParts) { follow(2); }

// Before clipping, at the first step.
TEST_F(Trajectory, FirstGradientsArePyTorchs) {
  Learner learner(*model, options_of(c));
  learner.learn(batch_of(0), 0, 0);
  double largest = 0, worst = 0;
  for (const auto& slice : learner.parameters().slices()) {
    const auto reference = formats::to_f64(formats::at(expected, "first_gradient." + slice.name));
    const Tensor ours = slice.gradient->value->detach();
    for (size_t i = 0; i < reference.size(); ++i) {
      largest = std::max(largest, std::abs(reference[i]));
      worst = std::max(worst, std::abs(ours.data()[i] - reference[i]));
    }
  }
  EXPECT_LE(worst / largest, 2e-6);
}

}  // namespace
}  // namespace tessera::train
