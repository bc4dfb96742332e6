#include "tessera/image/policy.h"

#include <algorithm>
#include <charconv>

#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/image/blur.h"
#include "tessera/image/color.h"
#include "tessera/image/tone.h"

namespace tessera::image {
namespace {

constexpr std::string_view kTorchvisionOperations[] = {
    "Identity", "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness",
    "Color",    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize"};
constexpr std::string_view kTimmOperations[] = {
    "AutoContrast", "Equalize",   "Invert",    "Rotate", "Posterize", "Solarize",      "SolarizeAdd",  "Color",
    "Contrast",     "Brightness", "Sharpness", "ShearX", "ShearY",    "TranslateXRel", "TranslateYRel"};
constexpr std::string_view kTimmIncreasing[] = {"AutoContrast",
                                                "Equalize",
                                                "Invert",
                                                "Rotate",
                                                "PosterizeIncreasing",
                                                "SolarizeIncreasing",
                                                "SolarizeAdd",
                                                "ColorIncreasing",
                                                "ContrastIncreasing",
                                                "BrightnessIncreasing",
                                                "SharpnessIncreasing",
                                                "ShearX",
                                                "ShearY",
                                                "TranslateXRel",
                                                "TranslateYRel"};
constexpr double kUniformDeviation = 100;  // timm: what exceeds it asks for uniform levels

// "m9", "mstd0.5": the number behind the name; false where the part is another.
bool read_setting(std::string_view part, std::string_view name, double least, double most, double& value) {
  if (!part.starts_with(name)) return false;
  part.remove_prefix(name.size());
  double number = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
  if (error != std::errc() || end != part.data() + part.size()) return false;
  TESSERA_CHECK(number >= least && number <= most, "augmentation: '{}' of a policy must be from {} to {}, not {}", name,
                least, most, number);
  value = number;
  return true;
}

Policy::Kind kind_of(std::string_view name) {
  if (name == "ra") return Policy::torchvision_rand;
  if (name == "ta_wide") return Policy::torchvision_trivial;
  if (name == "imagenet" || name == "cifar10" || name == "svhn") return Policy::torchvision_auto;
  if (name == "rand") return Policy::timm_rand;
  if (name == "original" || name == "v0") return Policy::timm_auto;
  if (name == "3a") return Policy::timm_three;
  fail(
      "augmentation: there is no policy '{}'{}; there are ra, ta_wide, imagenet, cifar10, svhn (torchvision), rand, "
      "original, v0, 3a (timm)",
      name, did_you_mean(name, {"ra", "ta_wide", "imagenet", "cifar10", "svhn", "rand", "original", "v0", "3a"}));
}

// One setting of those that this kind has.
bool read_setting(std::string_view part, Policy& policy) {
  const bool timm_rand = policy.kind == Policy::timm_rand, rand = timm_rand || policy.kind == Policy::torchvision_rand;
  double number = 0;
  if (rand && read_setting(part, "n", 0, 100, number)) {
    policy.operations = static_cast<int64_t>(number);
    return true;
  }
  if (rand && read_setting(part, "m", 0, 30, policy.magnitude)) return true;
  if (timm_rand && read_setting(part, "p", 0, 1, policy.probability)) return true;
  if (timm_rand && read_setting(part, "mmax", 0, 30, policy.most)) return true;
  if (timm_rand && read_setting(part, "inc", 0, 1, number)) {
    policy.increasing = number != 0;
    return true;
  }
  const bool has_deviation = timm_rand || policy.kind == Policy::timm_auto;
  return has_deviation && read_setting(part, "mstd", 0, 1e9, policy.deviation);
}

class Drawing {
 public:
  Drawing(const Policy& policy, int64_t height, int64_t width, Random& random)
      : policy_(policy), height_(height), width_(width), random_(random) {}

  std::vector<PolicyStep> steps() {
    switch (policy_.kind) {
      case Policy::none:
        break;
      case Policy::torchvision_rand:
        for (int64_t i = 0; i < policy_.operations; ++i)
          add_torchvision(some_operation(), static_cast<int64_t>(policy_.magnitude));
        break;
      case Policy::torchvision_trivial:
        add_torchvision(some_operation(), static_cast<int64_t>(random_.below(31)));
        break;
      case Policy::timm_rand:
        for (int64_t i = 0; i < policy_.operations; ++i) {
          const std::string_view operation = some_operation();
          if (random_.coin(policy_.probability)) add_timm(operation, policy_.magnitude);
        }
        break;
      case Policy::torchvision_auto:
      case Policy::timm_auto:
        for (const PolicyEntry& entry : one_of(policy_pairs(policy_.table))) {
          if (!random_.coin(entry.probability)) continue;
          if (policy_.is_timm()) {
            add_timm(entry.operation, entry.level);
          } else {
            add_torchvision(entry.operation, entry.level);
          }
        }
        break;
      case Policy::timm_three:
        add_one_of_three();
        break;
    }
    return std::move(steps_);
  }

 private:
  template <class T>
  const T& one_of(std::span<const T> choices) {
    return choices[random_.below(choices.size())];
  }
  std::string_view some_operation() { return one_of(operations_of(policy_)); }

  void add_torchvision(std::string_view operation, int64_t bin) {
    const auto magnitude = torchvision_magnitude(policy_.kind, operation, bin, height_, width_);
    double value = magnitude ? magnitude->value : 0;
    if (magnitude && magnitude->is_signed && random_.coin(0.5)) value = -value;
    steps_.push_back(torchvision_step(operation, value));
  }

  void add_timm(std::string_view operation, double level) {
    if (policy_.deviation > kUniformDeviation) {
      level = random_.uniform(0, level);
    } else if (policy_.deviation > 0) {
      level += policy_.deviation * random_.normal();
    }
    level = std::clamp(level, 0.0, policy_.most);
    const bool negated = random_.coin(0.5);
    const Filter filter = random_.coin(0.5) ? Filter::bilinear : Filter::bicubic;
    const auto argument = timm_argument(operation, level, negated, std::min(height_, width_));
    steps_.push_back(timm_step(operation, argument.value_or(0), height_, width_, filter));
  }

  // Solarised, without colour, or blurred.
  void add_one_of_three() {
    const uint64_t choice = random_.below(3);
    if (choice == 0) steps_.push_back({PolicyStep::solarize, 128});
    if (choice == 1) steps_.push_back({PolicyStep::color, 0});
    if (choice == 2) steps_.push_back({PolicyStep::blur, random_.uniform(0.1, 2.0)});
  }

  const Policy& policy_;
  const int64_t height_, width_;
  Random& random_;
  std::vector<PolicyStep> steps_;
};

}  // namespace

Policy policy_named(std::string_view text) {
  Policy policy;
  if (text.empty()) return policy;
  const std::vector<std::string> parts = split(text, '-');
  policy.kind = kind_of(parts[0]);
  policy.table = parts[0];
  if (policy.kind == Policy::timm_rand) policy.magnitude = policy.most;
  for (size_t i = 1; i < parts.size(); ++i) {
    TESSERA_CHECK(read_setting(parts[i], policy), "augmentation: '{}' is no setting of the policy '{}'", parts[i],
                  parts[0]);
  }
  return policy;
}

std::span<const std::string_view> operations_of(const Policy& policy) {
  if (!policy.is_timm()) return kTorchvisionOperations;
  return policy.increasing ? std::span<const std::string_view>(kTimmIncreasing) : kTimmOperations;
}

std::vector<PolicyStep> draw_policy(const Policy& policy, int64_t height, int64_t width, Random& random) {
  return Drawing(policy, height, width, random).steps();
}

void apply(Picture& picture, const PolicyStep& step, const Colour& fill) {
  const double argument = step.argument;
  const auto transform = [&](const Affine& matrix) { picture = transformed(picture, matrix, step.filter, fill); };
  switch (step.operation) {
    case PolicyStep::identity:
      return;
    case PolicyStep::auto_contrast:
      return auto_contrast(picture);
    case PolicyStep::equalize:
      return equalize(picture);
    case PolicyStep::invert:
      return invert(picture);
    case PolicyStep::posterize:
      return posterize(picture, static_cast<int>(argument));
    case PolicyStep::solarize:
      return solarize(picture, argument);
    case PolicyStep::solarize_add:
      return solarize_add(picture, static_cast<int>(argument));
    case PolicyStep::brightness:
      return adjust_brightness(picture, argument);
    case PolicyStep::color:
      return adjust_saturation(picture, argument);
    case PolicyStep::contrast:
      return adjust_contrast(picture, argument);
    case PolicyStep::sharpness:
      return adjust_sharpness(picture, argument);
    case PolicyStep::blur:
      picture = gaussian_blur(picture, argument);
      return;
    case PolicyStep::rotate:
      picture = rotated(picture, argument, step.filter, fill);
      return;
    case PolicyStep::shear_x:
      return transform({1, argument, 0, 0, 1, 0});
    case PolicyStep::shear_y:
      return transform({1, 0, 0, argument, 1, 0});
    case PolicyStep::translate_x:
      return transform({1, 0, argument, 0, 1, 0});
    case PolicyStep::translate_y:
      return transform({1, 0, 0, 0, 1, argument});
  }
}

}  // namespace tessera::image
