// What is done to a training picture at random, before it is normalised. Each operation draws its parameters (plain
// values) and applies them (a pure function), here and in color.h, policy.h, erase.h and mix.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/random.h"
#include "tessera/image/color.h"
#include "tessera/image/erase.h"
#include "tessera/image/picture.h"
#include "tessera/image/preprocess.h"

namespace tessera::image {

// Everything is off by default. Applied in this order.
struct Augmentation {
  // A random part of the picture, resized to the input (Szegedy et al., 2014; torchvision's RandomResizedCrop). Without
  // it a picture is fitted as for evaluation.
  bool random_resized_crop = false;
  std::vector<double> crop_area = {0.08, 1};                // of the picture's, at least and at most
  std::vector<double> crop_ratio = {3.0 / 4.0, 4.0 / 3.0};  // width / height, drawn log-uniformly

  int64_t crop_padding = 0;      // pixels added at each side, of which a random crop then removes as many
  std::string padding = "zero";  // "zero" or "reflect"
  double flip = 0;               // probability of a mirror image
  std::string policy;            // RandAugment and its kin, by the names of policy.h
  JitterStrength jitter;
  ErasingOptions erasing;  // after normalisation, see erase.h: not by augment()

  void visit(Options& o);
};

// Throws an Error that names the value which cannot be. What follows takes values that passed.
void check(const Augmentation& how);

// The part that RandomResizedCrop takes: ten tries at an area and a ratio that fit, else the largest centred part whose
// ratio is allowed.
Rectangle draw_resized_crop(const Augmentation& how, int64_t height, int64_t width, Random& random);

// Of a picture of height x width pixels, moved by up to `padding`: it may reach outside.
Rectangle draw_padded_crop(int64_t height, int64_t width, int64_t padding, Random& random);

// What augment() will look at. `how` and `input` must outlive it.
Need need_of(const Augmentation& how, const Preprocess& input, const Random& random);

// (h, w, C) -> (input.height, input.width, input.channels). Pure: the same random gives the same pixels.
Picture augment(const Picture& picture, const Augmentation& how, const Preprocess& input, Random random);

}  // namespace tessera::image
