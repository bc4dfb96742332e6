#include "tessera/train/distillation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/core/file.h"
#include "tessera/core/random.h"
#include "tessera/models/registry.h"
#include "tessera/ops/tape.h"
#include "tessera/train/learner.h"
#include "tessera/train/teacher.h"
#include "tests/golden_model.h"
#include "tests/support.h"
#include "tests/train/attempt.h"

namespace tessera::train {
namespace {

using nlohmann::json;

Tensor formula(const json& tensor) { return test::golden_tensor(test::detail::golden_tensor_of(tensor)).clone(); }

const json& golden() {
  static const json all = json::parse(read_text(test::golden_path("train/losses.json")));
  return all;
}

void expect_gradient(const Tensor& logits, const json& expected) {
  const Tensor values = test::golden_matrix(expected);
  for (int64_t i = 0; i < values.numel(); ++i) EXPECT_NEAR(logits.grad().data()[i], values.data()[i], 3e-7) << i;
}

std::optional<DistillationOptions> distillation_of(const std::string& name) {
  if (name == "DeiT hard distillation: cross_entropy against the teacher's argmax")
    return DistillationOptions{.kind = "hard"};
  for (const double T : {1.0, 3.0}) {
    if (name == fmt::format("DeiT soft distillation, T {}: T² · KL(teacher || student) / (B · K)", T))
      return DistillationOptions{.temperature = T, .over_classes = true};
    if (name == fmt::format("soft distillation as in Hinton and timm's task, T {}: T² · KL(teacher || student) / B", T))
      return DistillationOptions{.temperature = T};
  }
  return std::nullopt;
}

TEST(Distillation, EqualsDeiTsAndTimms) {
  const Tensor teacher = formula(golden().at("teacher"));
  int compared = 0;
  for (const json& c : golden().at("cases")) {
    const std::string which = c.at("logits");
    const auto options = distillation_of(c.at("loss_function"));
    if (!options) continue;
    SCOPED_TRACE(c.at("loss_function").get<std::string>() + ", logits: " + which);
    Tensor logits = which == "formula" ? formula(golden().at("logits"))
                                       : test::golden_matrix(golden().at("extreme_logits").at(which));
    logits.set_requires_grad();
    const Tensor loss = distillation_loss(*options, logits, teacher, logits.size(0));
    EXPECT_NEAR(loss.item() / c.at("loss").get<double>(), 1, 1e-6);
    ops::backward(loss);
    expect_gradient(logits, c.at("gradient"));
    ++compared;
  }
  EXPECT_EQ(compared, 9);
}

// A model that is nothing but two heads' logits, which are its parameters.
class TwoHeads final : public models::Model {
 public:
  explicit TwoHeads(bool distilled) : distilled_(distilled) {
    const auto given = [](const Tensor& values) {
      return [values](const Tensor& tensor, Random) { std::copy_n(values.data(), values.numel(), tensor.data()); };
    };
    const Tensor logits = formula(golden().at("logits"));
    Tensor reversed = Tensor::empty(logits.shape());
    for (int64_t b = 0; b < 4; ++b)
      for (int64_t k = 0; k < 7; ++k)
        reversed.data()[7 * b + k] = static_cast<float>(0.7 * static_cast<double>(logits.data()[7 * (3 - b) + k]));
    add_parameter("head", by_label_, {4, 7}, given(logits));
    add_parameter("head_dist", by_teacher_, {4, 7}, given(reversed));
    initialise(0);
  }
  Tensor forward_features(const Tensor& images) override { return images; }
  Tensor forward_head(const Tensor&) override { return by_label_; }
  TrainingOutput forward_training(const Tensor&) override {
    TrainingOutput output{by_label_};
    if (distilled_) output.heads = {by_label_, by_teacher_};
    return output;
  }
  models::PictureSize input() const override { return {1, 1, 1}; }
  int64_t num_classes() const override { return 7; }
  std::string architecture() const override { return "{}"; }
  std::vector<models::ShapeStep> shapes() override { return {}; }
  int64_t layer_of(const std::string&) const override { return 0; }
  int64_t num_layers() const override { return 1; }
  bool no_weight_decay(const std::string&) const override { return true; }
  std::vector<std::string> head_parameters() const override { return {}; }

  Tensor by_label_, by_teacher_;

 private:
  bool distilled_;
};

data::Batch golden_batch() {
  const auto labels = golden().at("labels").get<std::vector<int64_t>>();
  data::Batch batch;
  batch.images = Tensor::zeros({4, 1, 1, 1});
  batch.labels = Tensor::from({4}, std::span<const int64_t>(labels));
  return batch;
}

TrainOptions golden_options(const json& c) {
  TrainOptions options;
  options.optimizer = "sgd";  // whose first step without momentum is the gradient
  options.momentum = 0;
  options.weight_decay = 0;
  options.clip = 0;
  options.label_smoothing = c.at("smoothing");
  options.distill = c.at("kind");
  options.distill_alpha = c.at("alpha");
  options.distill_temperature = c.at("T");
  options.distill_over_classes = true;
  return options;
}

// One step of the learner: the class head learns the labels, the distillation head the teacher.
TEST(Distillation, EachHeadGetsItsOwnGradient) {
  const Tensor teacher = formula(golden().at("teacher"));
  for (const json& c : golden().at("deit_two_heads")) {
    SCOPED_TRACE(c.at("kind").get<std::string>());
    TwoHeads model(/*distilled=*/true);
    const Tensor labels_before = model.by_label_.clone(), teacher_before = model.by_teacher_.clone();
    Learner learner(model, golden_options(c), {},
                    [&](const Tensor& images) { return teacher.rows(0, images.size(0)); });
    const auto result = learner.learn(golden_batch(), 0, 1);
    EXPECT_NEAR(result.loss, c.at("loss").get<double>(), 2e-6);
    const Tensor by_label = test::golden_matrix(c.at("gradient_class_head")),
                 by_teacher = test::golden_matrix(c.at("gradient_distillation_head"));
    for (int64_t i = 0; i < by_label.numel(); ++i) {
      EXPECT_NEAR(labels_before.data()[i] - model.by_label_.data()[i], by_label.data()[i], 1e-6);
      EXPECT_NEAR(teacher_before.data()[i] - model.by_teacher_.data()[i], by_teacher.data()[i], 1e-6);
    }
  }
}

// A model with one head: both losses pull at the same logits.
TEST(Distillation, WithOneHeadBothLossesShareIt) {
  const Tensor teacher = formula(golden().at("teacher"));
  const json& c = golden().at("deit_two_heads")[0];
  TrainOptions options = golden_options(c);
  options.distill = "hard";
  TwoHeads model(/*distilled=*/false);
  const Tensor before = model.by_label_.clone();
  Learner learner(model, options, {}, [&](const Tensor&) { return teacher; });
  learner.learn(golden_batch(), 0, 1);
  const auto gradient_of = [&](const std::string& loss) {
    for (const json& other : golden().at("cases"))
      if (other.at("loss_function") == loss && other.at("logits") == "formula")
        return test::golden_matrix(other.at("gradient"));
    return Tensor();
  };
  const Tensor labels = gradient_of("cross_entropy, label_smoothing 0.1");
  const Tensor hard = gradient_of("DeiT hard distillation: cross_entropy against the teacher's argmax");
  for (int64_t i = 0; i < labels.numel(); ++i)
    EXPECT_NEAR(before.data()[i] - model.by_label_.data()[i], 0.5 * labels.data()[i] + 0.5 * hard.data()[i], 1e-6);
}

std::unique_ptr<models::Model> tiny_vit(bool distilled, int64_t size = 8, int64_t channels = 3) {
  auto model =
      models::build(models::with_settings("{\"family\": \"vit\"}", {{"img_size", std::to_string(size)},
                                                                    {"patch_size", "4"},
                                                                    {"in_chans", std::to_string(channels)},
                                                                    {"embed_dim", "16"},
                                                                    {"depth", "2"},
                                                                    {"num_heads", "2"},
                                                                    {"num_classes", "4"},
                                                                    {"distilled", distilled ? "true" : "false"}}));
  model->initialise(3);
  Random random(7, "heads");  // heads start at zero: every answer would be the same
  for (const nn::Parameter& p : model->parameters())
    if (p.name.starts_with("head"))
      for (float& value : p.tensor->span()) value = static_cast<float>(0.5 * random.normal());
  return model;
}

Tensor noise(const Shape& shape, uint64_t seed) {
  const Tensor x = Tensor::empty(shape);
  Random random(seed, "noise");
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

TEST(Distillation, AVitsHeadsAreTrainedApartAndUsedTogether) {
  const auto model = tiny_vit(/*distilled=*/true);
  const Tensor images = noise({3, 8, 8, 3}, 1);
  const Tensor used = model->forward(images);
  const auto output = model->forward_training(images);
  ASSERT_TRUE(output.heads);
  double apart = 0;
  for (int64_t i = 0; i < used.numel(); ++i) {
    const float by_label = output.heads->by_label.data()[i], by_teacher = output.heads->by_teacher.data()[i];
    EXPECT_NEAR(used.data()[i], 0.5f * (by_label + by_teacher), 1e-6);
    EXPECT_EQ(output.logits.data()[i], used.data()[i]);
    apart = std::max<double>(apart, std::abs(by_label - by_teacher));
  }
  EXPECT_GT(apart, 0.1);
  EXPECT_FALSE(tiny_vit(false)->forward_training(images).heads);

  // With α 0 the teacher's head gets no gradient, with α 1 the labels' head gets none; without a teacher both learn.
  data::Batch batch;
  batch.images = images;
  batch.labels = Tensor::from({3}, std::vector<int64_t>{0, 1, 2});
  const auto moved = [&](double alpha, bool taught) {
    const auto student = tiny_vit(true);
    const std::vector<nn::Parameter> parameters = student->parameters();
    std::vector<Tensor> before;
    for (const nn::Parameter& p : parameters) before.push_back(p.tensor->clone());
    TrainOptions options;
    options.optimizer = "sgd";
    options.weight_decay = 0;
    options.distill_alpha = alpha;
    const auto teach = [](const Tensor& x) { return noise({x.size(0), 4}, 2); };
    Learner learner(*student, options, {}, taught ? TeacherLogits(teach) : TeacherLogits());
    learner.learn(batch, 0, 0.1);
    std::vector<std::string> names;
    for (size_t i = 0; i < before.size(); ++i)
      if (std::memcmp(before[i].raw(), parameters[i].tensor->raw(), before[i].bytes()) != 0)
        names.push_back(parameters[i].name);
    const auto has = [&](const char* name) { return std::count(names.begin(), names.end(), name) > 0; };
    return std::pair(has("head.weight"), has("head_dist.weight"));
  };
  EXPECT_EQ(moved(0, true), std::pair(true, false));
  EXPECT_EQ(moved(1, true), std::pair(false, true));
  EXPECT_EQ(moved(0.5, true), std::pair(true, true));
  EXPECT_EQ(moved(0.5, false), std::pair(true, true));
}

image::Preprocess preprocess(int64_t size, int64_t channels = 3) {
  image::Preprocess how;
  how.height = how.width = size;
  how.channels = channels;
  how.crop_pct = 1;
  how.mean.assign(static_cast<size_t>(channels), 0.5);
  how.std.assign(static_cast<size_t>(channels), 0.25);
  return how;
}

TEST(Teacher, SeesTheStudentsPicturesAsItIsUsedTo) {
  image::Preprocess student = preprocess(8), own = preprocess(8);
  const Tensor images = noise({2, 8, 8, 3}, 1);
  const std::shared_ptr<models::Model> model = tiny_vit(false);
  const Tensor plain = model->forward(images);
  const Teacher same(model, own);
  EXPECT_EQ(std::memcmp(same.logits(images, own).raw(), plain.raw(), plain.bytes()), 0);

  // Another mean and deviation: the same pixels.
  own.mean = {0.1, 0.2, 0.3};
  own.std = {0.5, 0.6, 0.7};
  Tensor seen = Tensor::empty(images.shape());
  for (int64_t i = 0; i < images.numel(); ++i) {
    const auto c = static_cast<size_t>(i % 3);
    const double pixel = images.data()[i] * student.std[c] + student.mean[c];
    seen.data()[i] = static_cast<float>((pixel - own.mean[c]) / own.std[c]);
  }
  const Tensor expected = model->forward(seen), translated = Teacher(model, own).logits(images, student);
  for (int64_t i = 0; i < expected.numel(); ++i) EXPECT_NEAR(translated.data()[i], expected.data()[i], 1e-5);

  // Another size: a constant picture stays one, whatever the size; half the size by box is the mean of four pixels.
  const std::shared_ptr<models::Model> small = tiny_vit(false, 4);
  image::Preprocess half = preprocess(4);
  half.interpolation = "box";
  Tensor means = Tensor::zeros({2, 4, 4, 3});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t y = 0; y < 8; ++y)
      for (int64_t x = 0; x < 8; ++x)
        for (int64_t c = 0; c < 3; ++c)
          means.data()[((b * 4 + y / 2) * 4 + x / 2) * 3 + c] += 0.25f * images.data()[((b * 8 + y) * 8 + x) * 3 + c];
  const Tensor of_means = small->forward(means), of_halves = Teacher(small, half).logits(images, student);
  for (int64_t i = 0; i < of_means.numel(); ++i) EXPECT_NEAR(of_halves.data()[i], of_means.data()[i], 1e-5);

  // In gray: R, G and B as in Pillow's convert("L").
  const std::shared_ptr<models::Model> gray = tiny_vit(false, 8, 1);
  Tensor luma = Tensor::empty({2, 8, 8, 1});
  for (int64_t i = 0; i < luma.numel(); ++i)
    luma.data()[i] =
        0.299f * images.data()[3 * i] + 0.587f * images.data()[3 * i + 1] + 0.114f * images.data()[3 * i + 2];
  const Tensor of_luma = gray->forward(luma), of_colour = Teacher(gray, preprocess(8, 1)).logits(images, student);
  for (int64_t i = 0; i < of_luma.numel(); ++i) EXPECT_NEAR(of_colour.data()[i], of_luma.data()[i], 1e-5);

  EXPECT_NE(test::error_of([&] { Teacher(model, preprocess(4)); }).find("8 x 8 x 3"), std::string::npos);
}

TEST(Teacher, IsKnownByItsWeightsAndItsPreprocessing) {
  const std::shared_ptr<models::Model> model = tiny_vit(false), other = tiny_vit(false);
  const std::string identity = Teacher(model, preprocess(8)).identity();
  EXPECT_EQ(identity.size(), 64u);
  EXPECT_EQ(Teacher(other, preprocess(8)).identity(), identity);
  image::Preprocess how = preprocess(8);
  how.std = {0.25, 0.25, 0.26};
  EXPECT_NE(Teacher(model, how).identity(), identity);
  other->parameters().back().tensor->data()[0] += 1e-6f;
  EXPECT_NE(Teacher(other, preprocess(8)).identity(), identity);
}

TEST(Distillation, ARunGoesOnToTheSameBitsWithTheSameTeacherOnly) {
  const test::TemporaryFolder folder;
  const auto teacher_of = [](float shift) {
    const std::shared_ptr<models::Model> model = tiny_vit(false);
    model->parameters().back().tensor->data()[0] += shift;
    return Teacher(model, preprocess(8));
  };
  const Teacher teacher = teacher_of(0), other = teacher_of(0.5f);
  TrainOptions options = quick_options();
  options.mixing.mixup = 0.2;
  const auto attempt = [&](const std::string& name, const Teacher* by) {
    auto made = std::make_unique<Attempt>(folder / name);
    made->job.teacher = by;
    return made;
  };
  const auto whole = attempt("whole", &teacher), alone = attempt("alone", nullptr);
  whole->run(options);
  alone->run(options);
  EXPECT_NE(bytes_of(folder / "whole/model.safetensors"), bytes_of(folder / "alone/model.safetensors"));

  const auto first = attempt("run", &teacher);
  first->witness.after_step = [&](int64_t step) { first->stop = step == 9; };
  EXPECT_EQ(first->run(options).ending, Ending::interrupted);
  const auto wrong = attempt("run", &other), none = attempt("run", nullptr);
  wrong->job.resume = none->job.resume = true;
  EXPECT_NE(message_of([&] { wrong->run(options); }).find("another teacher"), std::string::npos);
  EXPECT_NE(message_of([&] { none->run(options); }).find("another teacher"), std::string::npos);
  const auto second = attempt("run", &teacher);
  second->job.resume = true;
  EXPECT_EQ(second->run(options).ending, Ending::finished);
  EXPECT_EQ(bytes_of(folder / "run/model.safetensors"), bytes_of(folder / "whole/model.safetensors"));
}

}  // namespace
}  // namespace tessera::train
