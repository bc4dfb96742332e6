// From a level to what an operation is given: torchvision's and timm's scales.
#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"
#include "tessera/image/policy.h"

namespace tessera::image {
namespace {

// --- torchvision ---

// Element i of torch.linspace(start, end, n) in float32, as a double: counted from the nearer end.
double linspace(double start, double end, int64_t n, int64_t i) {
  const auto first = static_cast<float>(start), last = static_cast<float>(end);
  const double step = (last - first) / static_cast<float>(n - 1);
  const double value = i < n / 2 ? first + step * static_cast<double>(i) : last - step * static_cast<double>(n - 1 - i);
  return static_cast<float>(value);
}

double bits_of(int64_t bins, int64_t bin, double lost) {
  return 8.0 - std::nearbyint(static_cast<double>(bin) / (static_cast<double>(bins - 1) / lost));
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::optional<Magnitude> torchvision_magnitude(Policy::Kind kind, std::string_view operation, int64_t bin,
                                               int64_t height, int64_t width) {
  const bool wide = kind == Policy::torchvision_trivial;
  const int64_t bins = kind == Policy::torchvision_auto ? 10 : 31;
  const auto up_to = [&](double most) { return Magnitude{linspace(0, most, bins, bin), true}; };
  const auto share = [&](int64_t side) { return up_to(wide ? 32 : 150.0 / 331.0 * static_cast<double>(side)); };
  if (operation == "TranslateX") return share(width);
  if (operation == "TranslateY") return share(height);
  if (is_one_of(operation, {"ShearX", "ShearY"})) return up_to(wide ? 0.99 : 0.3);
  if (operation == "Rotate") return up_to(wide ? 135 : 30);
  if (is_one_of(operation, {"Brightness", "Color", "Contrast", "Sharpness"})) return up_to(wide ? 0.99 : 0.9);
  if (operation == "Posterize") return Magnitude{bits_of(bins, bin, wide ? 6 : 4), false};
  if (operation == "Solarize") return Magnitude{linspace(255, 0, bins, bin), false};
  return std::nullopt;
}

PolicyStep torchvision_step(std::string_view operation, double magnitude) {
  using Step = PolicyStep;
  if (operation == "Identity") return {Step::identity};
  if (operation == "AutoContrast") return {Step::auto_contrast};
  if (operation == "Equalize") return {Step::equalize};
  if (operation == "Invert") return {Step::invert};
  if (operation == "Posterize") return {Step::posterize, magnitude};
  if (operation == "Solarize") return {Step::solarize, magnitude};
  if (operation == "Brightness") return {Step::brightness, 1 + magnitude};
  if (operation == "Color") return {Step::color, 1 + magnitude};
  if (operation == "Contrast") return {Step::contrast, 1 + magnitude};
  if (operation == "Sharpness") return {Step::sharpness, 1 + magnitude};
  if (operation == "Rotate") return {Step::rotate, magnitude};
  if (operation == "ShearX") return {Step::shear_x, magnitude};
  if (operation == "ShearY") return {Step::shear_y, magnitude};
  if (operation == "TranslateX") return {Step::translate_x, -std::trunc(magnitude)};
  if (operation == "TranslateY") return {Step::translate_y, -std::trunc(magnitude)};
  fail("augmentation: torchvision has no operation '{}'", operation);
}

// --- timm ---

namespace {

constexpr double kLevels = 10;

// The argument at `share` of the highest level, with or without the other sign.
double scaled(std::string_view operation, double share, double sign, int64_t shorter_side) {
  if (is_one_of(operation, {"Brightness", "Color", "Contrast", "Sharpness"})) return share * 1.8 + 0.1;
  if (operation.ends_with("Increasing") && !operation.starts_with("Posterize") && !operation.starts_with("Solarize"))
    return std::max(0.1, 1.0 + sign * (share * 0.9));
  if (operation == "Rotate") return sign * (share * 30.0);
  if (operation.starts_with("Shear")) return sign * (share * 0.3);
  if (is_one_of(operation, {"TranslateXRel", "TranslateYRel"})) return sign * (share * 0.45);
  if (operation.starts_with("Translate")) return sign * (share * std::trunc(0.45 * static_cast<double>(shorter_side)));
  if (operation == "Desaturate") return 0.5 + (1.0 - 0.5) * share;
  if (operation == "GaussianBlur") return 0.1 + (2.0 - 0.1) * share;
  if (operation == "SolarizeAdd") return std::min(128.0, std::trunc(share * 110));
  const double solarize = std::min(256.0, std::trunc(share * 256)), posterize = std::trunc(share * 4);
  if (operation == "Solarize") return solarize;
  if (operation == "SolarizeIncreasing") return 256 - solarize;
  if (operation == "Posterize") return posterize;
  if (operation == "PosterizeIncreasing") return 4 - posterize;
  if (operation == "PosterizeOriginal") return 4 + posterize;
  fail("augmentation: timm has no operation '{}'", operation);
}

PolicyStep::Operation operation_of(std::string_view name) {
  using Step = PolicyStep;
  constexpr std::pair<std::string_view, Step::Operation> kBeginnings[] = {{"AutoContrast", Step::auto_contrast},
                                                                          {"Equalize", Step::equalize},
                                                                          {"Invert", Step::invert},
                                                                          {"Posterize", Step::posterize},
                                                                          {"SolarizeAdd", Step::solarize_add},
                                                                          {"Solarize", Step::solarize},
                                                                          {"Brightness", Step::brightness},
                                                                          {"Color", Step::color},
                                                                          {"Desaturate", Step::color},
                                                                          {"Contrast", Step::contrast},
                                                                          {"Sharpness", Step::sharpness},
                                                                          {"GaussianBlur", Step::blur},
                                                                          {"Rotate", Step::rotate},
                                                                          {"ShearX", Step::shear_x},
                                                                          {"ShearY", Step::shear_y},
                                                                          {"TranslateX", Step::translate_x},
                                                                          {"TranslateY", Step::translate_y}};
  for (const auto& [beginning, operation] : kBeginnings) {
    if (name.starts_with(beginning)) return operation;
  }
  fail("augmentation: timm has no operation '{}'", name);
}

}  // namespace

std::optional<double> timm_argument(std::string_view operation, double level, bool negated, int64_t shorter_side) {
  if (is_one_of(operation, {"AutoContrast", "Equalize", "Invert"})) return std::nullopt;
  return scaled(operation, level / kLevels, negated ? -1 : 1, shorter_side);
}

PolicyStep timm_step(std::string_view operation, double argument, int64_t height, int64_t width, Filter filter) {
  if (operation == "Desaturate") argument = std::clamp(1.0 - argument, 0.0, 1.0);
  if (operation == "TranslateXRel") argument *= static_cast<double>(width);
  if (operation == "TranslateYRel") argument *= static_cast<double>(height);
  return {operation_of(operation), argument, filter};
}

}  // namespace tessera::image
