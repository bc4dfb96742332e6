#include "tessera/data/shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/random.h"
#include "tessera/data/drawing.h"
#include "tessera/data/open.h"

namespace tessera::data {
namespace {

TEST(Shapes, ArePureFunctionsOfSeedPartAndIndex) {
  const auto set = shapes({.pictures = 100});
  const image::Picture picture = set->get(42).picture;
  EXPECT_EQ(picture, shapes({.pictures = 50})->get(42).picture);  // the number of pictures changes nothing
  EXPECT_NE(picture, set->get(52).picture);                       // of the same class
  EXPECT_NE(picture, shapes({.seed = 1})->get(42).picture);
  EXPECT_NE(picture, shapes({.part = "test"})->get(42).picture);
}

TEST(Shapes, HasEveryClassEquallyOftenAtAnySize) {
  const auto set = shapes({.size = 57, .classes = 7, .pictures = 70});
  EXPECT_EQ(class_counts(*set), std::vector<int64_t>(7, 10));
  EXPECT_EQ(set->class_names().size(), 7u);
  EXPECT_EQ(set->get(13).picture.height, 57);
  EXPECT_EQ(set->get(13).picture.width, 57);
  EXPECT_EQ(set->get(13).label, set->label(13));
  EXPECT_EQ(set->describe(), "70 pictures of 7 classes, 57 x 57 RGB");
}

TEST(Shapes, KnowsWhereTheFormIs) {
  const auto set = shapes({.size = 64, .pictures = 200});
  for (int64_t i = 0; i < set->size(); ++i) {
    const image::Rectangle box = *set->box(i);
    EXPECT_GE(box.top, 0);
    EXPECT_GE(box.left, 0);
    EXPECT_LE(box.top + box.height, 64);
    EXPECT_LE(box.left + box.width, 64);
    EXPECT_GT(std::max(box.height, box.width), 20) << set->name_of(i);
  }
}

TEST(Drawing, BoundsHoldTheCoveredPixels) {
  // A square of half side 7 about (10.25, 20): columns 3.25 to 17.25 and rows 13 to 27; a pixel counts from a half on.
  const Placement square{.form = Form::square, .x = 10.25f, .y = 20, .radius = 10};
  EXPECT_EQ(bounds(square, 40), (image::Rectangle{13, 3, 14, 14}));
  EXPECT_EQ(bounds(square, 20), (image::Rectangle{13, 3, 7, 14}));  // cut off below
  Canvas canvas(40);
  canvas.draw(square, {.first = {1, 1, 1}, .second = {1, 1, 1}});
  const float* red = canvas.plane(0);
  EXPECT_FLOAT_EQ(red[20 * 40 + 10], 1);
  EXPECT_NEAR(red[20 * 40 + 3], 0.75, 1e-5);   // three quarters covered
  EXPECT_NEAR(red[20 * 40 + 17], 0.25, 1e-5);  // one quarter
  EXPECT_EQ(red[20 * 40 + 2], 0);
}

TEST(Drawing, EveryFormFillsItsOwnPartOfTheCircle) {
  // The areas of the forms of radius 1, from their geometry.
  constexpr double kPi = 3.14159265358979;
  const double pentagram = 1.12257, heart = 2 * 0.74 * 0.74 + kPi * 0.74 * 0.74 / 2;
  const double lens = [&] {  // of two circles, radius 0.95 and 0.75, 0.45 apart: the crescent lacks it
    const double R = 0.95, r = 0.75, d = 0.45;
    const double a = r * r * std::acos((d * d + r * r - R * R) / (2 * d * r));
    const double b = R * R * std::acos((d * d + R * R - r * r) / (2 * d * R));
    return a + b - 0.5 * std::sqrt((-d + r + R) * (d + r - R) * (d - r + R) * (d + r + R));
  }();
  const double areas[kForms] = {0.9 * 0.77 + 0.95 * 0.44,
                                1.9 * 0.6,
                                kPi * 0.81,
                                kPi * 0.95 * 0.95 - lens,
                                2 * 1.9 * 0.56 - 0.56 * 0.56,
                                heart,
                                kPi * (0.92 * 0.92 - 0.52 * 0.52),
                                1.4 * 1.4,
                                pentagram,
                                0.75 * std::sqrt(3.0)};
  constexpr int kSize = 200;
  constexpr float kRadius = 90;
  for (int form = 0; form < kForms; ++form) {
    for (const float angle : {0.0f, 0.7f, 2.5f}) {
      Canvas canvas(kSize);
      canvas.draw({static_cast<Form>(form), 100.3f, 99.8f, kRadius, std::cos(angle), std::sin(angle)},
                  {.first = {1, 1, 1}, .second = {1, 1, 1}});
      const double covered = std::accumulate(canvas.plane(1), canvas.plane(1) + kSize * kSize, 0.0);
      EXPECT_NEAR(covered / (kRadius * kRadius), areas[form], 0.012) << form_names()[static_cast<size_t>(form)];
    }
  }
}

// Softmax regression on the pixels. What it reaches is the part of the task that needs no understanding.
double linear_accuracy(const DataSet& train, const DataSet& test) {
  constexpr int64_t kBatch = 50, kEpochs = 8;
  const size_t pixels = train.get(0).picture.pixels.size(), classes = train.class_names().size();
  std::vector<float> weights((pixels + 1) * classes), first(weights.size()), second(weights.size());
  const auto values = [&](const DataSet& set, int64_t i) {
    const image::Picture picture = set.get(i).picture;
    std::vector<float> x(pixels + 1, 1.0f);
    for (size_t j = 0; j < pixels; ++j) x[j] = static_cast<float>(picture.pixels[j]) / 127.5f - 1;
    return x;
  };
  const auto logits = [&](const std::vector<float>& x) {
    std::vector<float> out(classes);
    for (size_t j = 0; j < x.size(); ++j) {
      for (size_t k = 0; k < classes; ++k) out[k] += x[j] * weights[j * classes + k];
    }
    return out;
  };
  std::vector<std::vector<float>> inputs;
  for (int64_t i = 0; i < train.size(); ++i) inputs.push_back(values(train, i));
  int step = 0;
  for (int64_t epoch = 0; epoch < kEpochs; ++epoch) {
    const float rate = 1e-3f * (1 - static_cast<float>(epoch) / kEpochs);
    for (int64_t begin = 0; begin + kBatch <= train.size();
         begin += kBatch) {  // classes take turns: no need to shuffle
      std::vector<float> gradient(weights.size());
      for (int64_t i = begin; i < begin + kBatch; ++i) {
        const std::vector<float>& x = inputs[static_cast<size_t>(i)];
        std::vector<float> p = logits(x);
        const float most = *std::max_element(p.begin(), p.end());
        float sum = 0;
        for (float& v : p) sum += v = std::exp(v - most);
        for (float& v : p) v /= sum * kBatch;
        p[static_cast<size_t>(train.label(i))] -= 1.0f / kBatch;
        for (size_t j = 0; j < x.size(); ++j) {
          for (size_t k = 0; k < classes; ++k) gradient[j * classes + k] += x[j] * p[k];
        }
      }
      ++step;
      const float a = 1 - std::pow(0.9f, static_cast<float>(step)), b = 1 - std::pow(0.999f, static_cast<float>(step));
      for (size_t j = 0; j < weights.size(); ++j) {  // Adam with a little decay
        const float g = gradient[j] + 1e-3f * weights[j];
        first[j] += 0.1f * (g - first[j]);
        second[j] += 0.001f * (g * g - second[j]);
        weights[j] -= rate * (first[j] / a) / (std::sqrt(second[j] / b) + 1e-8f);
      }
    }
  }
  int64_t right = 0;
  for (int64_t i = 0; i < test.size(); ++i) {
    const std::vector<float> out = logits(values(test, i));
    right += std::max_element(out.begin(), out.end()) - out.begin() == test.label(i);
  }
  return static_cast<double>(right) / static_cast<double>(test.size());
}

TEST(Shapes, ALinearModelStaysBelowSixtyPercent) {
#ifndef NDEBUG
  GTEST_SKIP() << "takes too long without optimisation";
#endif
  const double accuracy = linear_accuracy(*shapes({.pictures = 10000}), *shapes({.pictures = 2000, .part = "test"}));
  RecordProperty("linear_accuracy", std::to_string(accuracy));
  EXPECT_LT(accuracy, 0.6);
  EXPECT_GT(accuracy, 0.12);  // it did learn something
}

TEST(Shapes, OpensByName) {
  const DataSets sets = open_data("shapes", {"size=16", "train=30", "test=20", "classes=3", "noise=0"});
  EXPECT_EQ(sets.train->size(), 30);
  EXPECT_EQ(sets.test->size(), 20);
  EXPECT_EQ(sets.validation, nullptr);
  EXPECT_EQ(sets.train->get(0).picture.width, 16);
  EXPECT_EQ(sets.test->class_names(), (std::vector<std::string>{"arrow", "bar", "circle"}));
}

}  // namespace
}  // namespace tessera::data
