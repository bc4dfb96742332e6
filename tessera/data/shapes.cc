#include "tessera/data/shapes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/random.h"
#include "tessera/data/drawing.h"
#include "tessera/data/registry.h"

namespace tessera::data {
namespace {

// How the pictures vary: tuned so that softmax regression on the pixels stays near 50 % and a small Vision Transformer
// with patches of 8 x 8 passes 95 % after about 100,000 of them. Lengths are fractions of the picture's size.
constexpr double kRadiusLow = 0.31, kRadiusHigh = 0.39;      // of the labelled form
constexpr double kShift = 0.17;                              // of its centre from the middle, at most
constexpr double kTurn = 35;                                 // degrees, at most
constexpr double kClutterLow = 0.05, kClutterHigh = 0.1;     // radius of the other forms
constexpr uint64_t kClutterBehind = 3, kClutterBefore = 2;   // fewer than so many
constexpr double kDark = 0.2, kBright = 0.6, kLevels = 0.2;  // gray levels of background and form: from here so far up
constexpr double kTint = 0.2;                                // of each channel, at most
constexpr double kTexture = 0.06;                            // of a pattern's colours from their mean, at most

float uniform(Random& random, double low, double high) { return static_cast<float>(random.uniform(low, high)); }

Colour colour(Random& random) {
  Colour colour;
  for (float& channel : colour) channel = uniform(random, 0.1, 0.9);
  return colour;
}

Colour tinted_gray(Random& random, double level) {
  const float gray = uniform(random, level, level + kLevels);
  Colour colour;
  for (float& channel : colour) channel = std::clamp(gray + uniform(random, -kTint, kTint), 0.0f, 1.0f);
  return colour;
}

Paint paint(Random& random, const Colour& base, double size) {
  Paint paint;
  paint.pattern = static_cast<Pattern>(random.below(kPatterns));
  for (size_t c = 0; c < 3; ++c) {
    const float difference = uniform(random, -kTexture, kTexture);
    paint.first[c] = base[c] + difference;
    paint.second[c] = base[c] - difference;
  }
  paint.period = uniform(random, 0.1, 0.25) * static_cast<float>(size);
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  paint.cosine = static_cast<float>(std::cos(angle));
  paint.sine = static_cast<float>(std::sin(angle));
  paint.phase = uniform(random, 0, 1);
  return paint;
}

// A form whose centre is in the middle square of half side `reach`, turned by up to `turn` degrees. Lengths in pixels.
Placement place(Random& random, Form form, double radius, double size, double reach, double turn) {
  Placement p;
  p.form = form;
  p.radius = static_cast<float>(radius);
  p.x = uniform(random, size / 2 - reach, size / 2 + reach);
  p.y = uniform(random, size / 2 - reach, size / 2 + reach);
  const double angle = random.uniform(-turn, turn) * std::numbers::pi / 180;
  p.cosine = static_cast<float>(std::cos(angle));
  p.sine = static_cast<float>(std::sin(angle));
  return p;
}

class Shapes final : public DataSet {
 public:
  explicit Shapes(const ShapesOptions& options)
      : options_(options),
        scene_key_(random_key(options.seed, fmt::format("shapes/{}/scene", options.part))),
        noise_key_(random_key(options.seed, fmt::format("shapes/{}/noise", options.part))),
        names_(form_names().begin(), form_names().begin() + options.classes) {}

  int64_t size() const override { return options_.pictures; }
  int64_t label(int64_t index) const override { return index % options_.classes; }
  const std::vector<std::string>& class_names() const override { return names_; }
  PictureShape picture_shape() const override { return {options_.size, options_.size, 3}; }
  std::string name_of(int64_t index) const override { return fmt::format("shapes {} {}", options_.part, index); }

  Sample get(int64_t index) const override {
    Random random = scene(index);
    const double size = static_cast<double>(options_.size);
    const Placement object = labelled(random, index);
    Canvas canvas(options_.size);
    canvas.fill(paint(random, tinted_gray(random, kDark), size));
    clutter(random, canvas, random.below(kClutterBehind));
    canvas.draw(object, paint(random, tinted_gray(random, kBright), size));
    clutter(random, canvas, random.below(kClutterBefore));
    return {with_noise(canvas, index), label(index)};
  }

  std::optional<image::Rectangle> box(int64_t index) const override {
    Random random = scene(index);
    return bounds(labelled(random, index), options_.size);
  }

 private:
  Random scene(int64_t index) const { return Random(scene_key_, 0, static_cast<uint64_t>(index)); }

  // The first thing that a scene's numbers decide.
  Placement labelled(Random& random, int64_t index) const {
    const double size = static_cast<double>(options_.size), radius = random.uniform(kRadiusLow, kRadiusHigh) * size;
    return place(random, static_cast<Form>(label(index)), radius, size, kShift * size, kTurn);
  }

  void clutter(Random& random, Canvas& canvas, uint64_t count) const {
    const double size = static_cast<double>(options_.size);
    for (uint64_t i = 0; i < count; ++i) {
      const Form form = static_cast<Form>(random.below(kForms));
      const double radius = random.uniform(kClutterLow, kClutterHigh) * size;
      const Placement where = place(random, form, radius, size, size / 2, 180);
      canvas.draw(where, paint(random, colour(random), size));
    }
  }

  image::Picture with_noise(const Canvas& canvas, int64_t index) const {
    image::Picture picture(options_.size, options_.size, 3);
    Random random(noise_key_, 0, static_cast<uint64_t>(index));
    const float amplitude = static_cast<float>(options_.noise) * 255 / 127.5f;
    const float* planes[3] = {canvas.plane(0), canvas.plane(1), canvas.plane(2)};
    const int64_t pixels = options_.size * options_.size;
    for (int64_t i = 0; i < pixels; ++i) {
      const uint32_t word = random.word();  // a byte for each channel
      for (int c = 0; c < 3; ++c) {
        const float noise = (static_cast<float>(word >> (8 * c) & 255) - 127.5f) * amplitude;
        picture.pixels[static_cast<size_t>(3 * i + c)] =
            static_cast<uint8_t>(std::clamp(planes[c][i] * 255 + noise, 0.0f, 255.0f) + 0.5f);
      }
    }
    return picture;
  }

  ShapesOptions options_;
  uint64_t scene_key_, noise_key_;
  std::vector<std::string> names_;
};

struct Settings {
  int64_t size = 32, train = 50000, test = 5000, classes = kForms, seed = 0;
  double noise = ShapesOptions().noise;

  void visit(Options& o) {
    o("size", size, "height and width in pixels").at_least(8).at_most(4096);
    o("train", train, "training pictures").at_least(1);
    o("test", test, "test pictures").at_least(1);
    o("classes", classes, "how many of the forms").at_least(2).at_most(kForms);
    o("noise", noise, "half the width of the noise on values from 0 to 1").at_least(0).at_most(1);
    o("seed", seed, "another seed, other pictures").at_least(0);
  }
};

DataSets open(const std::filesystem::path&, const Settings& settings, const OpenOptions&) {
  ShapesOptions options;
  options.size = settings.size;
  options.classes = settings.classes;
  options.noise = settings.noise;
  options.seed = static_cast<uint64_t>(settings.seed);
  options.pictures = settings.train;
  DataSets sets;
  sets.train = shapes(options);
  options.part = "test";
  options.pictures = settings.test;
  sets.test = shapes(options);
  sets.what = fmt::format("the built-in set 'shapes': {} training and {} test pictures of {} classes, {} x {} RGB",
                          settings.train, settings.test, settings.classes, settings.size, settings.size);
  return sets;
}

}  // namespace

std::shared_ptr<const DataSet> shapes(const ShapesOptions& options) { return std::make_shared<Shapes>(options); }

void register_shapes(Registry& registry) {
  registry.add("shapes",
               kind_of<Settings>("pictures of forms, drawn by the program; nothing to download", nullptr, open));
}

}  // namespace tessera::data
