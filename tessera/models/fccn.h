// Fully complex-valued convolutional networks: Yadav and Jerripothula, "FCCNs: Fully Complex-valued Convolutional
// Networks using Complex-valued Color Model and Loss Function" (ICCV 2023), 10.1109/ICCV51070.2023.00981; reference
// implementation: https://github.com/saurabhya/FCCNs. Complex pictures (the colour model iHSV, kernels/ihsv.h), complex
// layers as in Trabelsi et al., "Deep Complex Networks" (ICLR 2018), whose fully connected ones are convolutions of the
// map's size, and the magnitudes of K complex outputs as logits. A loss that reads the outputs' phases too is
// `loss = "complex_cross_entropy"` (ops/complex_cross_entropy.h).
//
// The family is a plain stack of convolutions, each with norm and activation and perhaps a pooling, as complex numbers
// or as the real twin of the same shape. docs/complex.md compares the two.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/registry.h"

namespace tessera::models {

struct FccnConfig {
  std::vector<int64_t> img_size = {32, 32};  // height, width; one number: both
  int64_t in_chans = 3;
  int64_t num_classes = 10;  // K
  std::string numbers = "complex";
  std::string color = "ihsv";                                      // by default rgb where numbers are real
  std::vector<int64_t> channels = {16, 32, 32, 64, 64, 128, 128};  // of each convolution, in numbers of this kind
  std::vector<int64_t> strides = {1, 2, 1, 2, 1, 2, 1};            // one number: of all
  int64_t kernel = 3;                                              // odd
  std::vector<int64_t> pools = {};                                 // convolutions that a pooling follows: 1, 2, …
  std::string pool = "magnitude";
  std::string norm = "whitening";
  double norm_eps = 1e-5;
  bool conv_bias = true;                     // by default where there is no norm
  std::vector<std::string> act = {"crelu"};  // one: of all
  std::string global_pool = "avg";

  void visit(Options& o);
  // Fills in what depends on other keys and refuses what cannot be. A UsageError names the key.
  void complete(const Options& given);

  bool complex() const { return numbers == "complex"; }
  // Numbers of a pixel that the first convolution takes: complex or real ones.
  int64_t input_channels() const;
  bool pooled(int64_t index) const;  // whether a pooling follows the convolution, from 0
};

// Of complex or of real numbers, as the config says.
std::unique_ptr<Model> make_fccn(const FccnConfig& config);

}  // namespace tessera::models
