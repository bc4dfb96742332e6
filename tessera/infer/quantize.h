// Models with weights of whole numbers: a quarter of the size, and several times as fast on machines with instructions
// for it. Weights get a scale for each output, inputs one for each row when they come (kernels/linear_s8.h); attention
// whose q, k and v come from quantised weights multiplies whole numbers too (kernels/attention.h). Norms, softmax and
// GELU stay in floats.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tessera/models/model.h"

namespace tessera::infer {

// w (N, …) -> the same in s8 with N scales.
Tensor quantised(const Tensor& w);

// The tensor of a parameter. An Error where the model has none of that name.
Tensor& parameter(models::Model& model, const std::string& name);

// Quantises the weights of these products, in place.
void quantise(models::Model& model, const std::vector<models::Product>& products);

// Per input channel of each product, by the name of its weights: the largest magnitude that came (K).
using InputRanges = std::map<std::string, std::vector<float>>;

// Widens `ranges` by what images (B, H, W, C) lead to.
void observe(models::Model& model, const Tensor& images, InputRanges& ranges);

// Moves outliers of the channels between a norm and the product behind it into the weights: channel j of the norm is
// divided by s_j = √(max |x_j| / max |w_j|), and column j of the weights multiplied by it. The model computes the same
// as before. Xiao et al., "SmoothQuant" (2023), eq. 4 with α = 1/2.
void smooth(models::Model& model, const InputRanges& ranges);

}  // namespace tessera::infer
