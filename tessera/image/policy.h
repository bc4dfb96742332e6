// Learned and random augmentation policies, with the tables of torchvision and of timm: AutoAugment (Cubuk et al.,
// 2018), RandAugment (Cubuk et al., 2019), TrivialAugment (Müller and Hutter, 2021), 3-Augment (DeiT III, Touvron et
// al., 2022). They differ in more than numbers: what lies outside is black or the mean colour, pixels are taken by
// nearest neighbour or interpolated, a positive translation goes right or left.
//
// By name, as these libraries call them:
//   torchvision   ra (n2 operations, m9 of 30: "ra-n2-m9"), ta_wide, imagenet, cifar10, svhn
//   timm          rand ("rand-m9-n2-p0.5-mstd0.5-mmax10-inc1"), original, v0 ("v0-mstd0.5"), 3a
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/image/affine.h"
#include "tessera/image/picture.h"

namespace tessera::image {

struct Policy {
  enum Kind { none, torchvision_rand, torchvision_trivial, torchvision_auto, timm_rand, timm_auto, timm_three };
  Kind kind = none;
  std::string table;         // of an AutoAugment: "imagenet", "original" …
  int64_t operations = 2;    // of a RandAugment
  double magnitude = 9;      // of 30 (torchvision) or 10 (timm)
  double probability = 0.5;  // of each operation, timm's RandAugment
  double deviation = 0;      // of the magnitude, timm: normal; above 100 uniform from 0 to it
  double most = 10;          // the magnitude's upper bound, timm
  bool increasing = false;   // timm: operations that do more the larger the magnitude

  bool is_timm() const { return kind >= timm_rand; }
};

// By the names above; empty: none. What it cannot be is an Error.
Policy policy_named(std::string_view text);

// An operation with its argument, ready to be done.
struct PolicyStep {
  enum Operation {
    identity,
    auto_contrast,
    equalize,
    invert,
    posterize,
    solarize,
    solarize_add,  // tone.h
    brightness,
    color,
    contrast,  // color.h
    sharpness,
    blur,  // blur.h
    rotate,
    shear_x,
    shear_y,
    translate_x,
    translate_y  // affine.h
  };
  Operation operation = identity;
  // Bits, threshold, what is added, factor, radius, degrees, shear, pixels to the left or up: whatever it takes.
  double argument = 0;
  Filter filter = Filter::nearest;
};

// What a picture of that size undergoes. Pure but for `random`.
std::vector<PolicyStep> draw_policy(const Policy& policy, int64_t height, int64_t width, Random& random);

// (H, W, C), in place.
void apply(Picture& picture, const PolicyStep& step, const Colour& fill);

// --- The tables ---

// The operations among which a policy without a table chooses.
std::span<const std::string_view> operations_of(const Policy& policy);

// One operation of an AutoAugment: done with that probability. torchvision's operations that take no argument ignore
// the level, 0 to 9 there, 0 to 10 in timm.
struct PolicyEntry {
  std::string_view operation;
  double probability;
  int level;
};
using PolicyPair = std::array<PolicyEntry, 2>;
// 25 pairs of "imagenet", "cifar10", "svhn", "original", "v0".
std::span<const PolicyPair> policy_pairs(std::string_view table);

// torchvision: the magnitude in bin 0 … of an operation ("ShearX") for pictures of that size; nothing where it takes
// none. `is_signed`: negated at random.
struct Magnitude {
  double value;
  bool is_signed;
};
std::optional<Magnitude> torchvision_magnitude(Policy::Kind kind, std::string_view operation, int64_t bin,
                                               int64_t height, int64_t width);
PolicyStep torchvision_step(std::string_view operation, double magnitude);

// timm: the argument of an operation ("SolarizeIncreasing") at a level in [0, 10]; nothing where it takes none.
// `negated` asks for the other sign, where an operation has one. shorter_side: of the picture.
std::optional<double> timm_argument(std::string_view operation, double level, bool negated, int64_t shorter_side);
PolicyStep timm_step(std::string_view operation, double argument, int64_t height, int64_t width, Filter filter);

}  // namespace tessera::image
