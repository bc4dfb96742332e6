// Loops over flat buffers of parameters, gradients and optimiser state: what a training step does after backward.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// One step of Adam (Kingma & Ba, 2015) or AdamW (Loshchilov & Hutter, 2019) on n parameters that share their rates.
//   g = gradient·gradient_scale + l2·p,   p ← p·shrink
//   m ← m + (1 − β₁)(g − m),   v ← β₂v + (1 − β₂)g²,   p ← p − rate·m / (√v·rsqrt_correction + eps)
// Runs on the calling thread: who owns the buffer splits it.
struct AdamStep {
  float* parameter;       // (n)
  const float* gradient;  // (n)
  float* first;           // (n) m
  float* second;          // (n) v
  float* largest_second;  // (n) takes v's place in the last line (AMSGrad: Reddi et al., 2018); null: plain
  int64_t n;
  float gradient_scale = 1;  // of clipping
  float l2 = 0;              // Adam's weight decay
  float shrink = 1;          // AdamW's weight decay, 1 − lr·wd
  float fresh1;              // 1 − β₁, rounded once: 1 minus a rounded β₂ would be off by 1e-6 and more
  float beta2, fresh2;       // β₂, 1 − β₂
  float eps;
  float rate;              // lr/(1 − β₁ᵗ)
  float rsqrt_correction;  // 1/√(1 − β₂ᵗ)
};
void adam_step(Context& context, const AdamStep& args);

// One step of stochastic gradient descent on n parameters that share their rates.
//   g = gradient·gradient_scale + l2·p,   b ← momentum·b + fresh·g,   p ← p − lr·(nesterov ? g + momentum·b : b)
// Without a buffer b is g. Runs on the calling thread.
struct SgdStep {
  float* parameter;       // (n)
  const float* gradient;  // (n)
  float* buffer;          // (n) b, zero before the first step; null: no momentum
  int64_t n;
  float gradient_scale = 1;
  float l2 = 0;
  float momentum = 0;
  float fresh = 1;  // 1 − dampening, but 1 in the first step
  bool nesterov = false;
  float lr;
};
void sgd_step(Context& context, const SgdStep& args);

// Σ x², in double: exact enough for a norm of any size, and finite exactly where all of x is. In parallel; the bits
// depend on n and the number of threads alone.
double sum_of_squares(Context& context, const float* x, int64_t n);

// average ← average + share·(x − average). Runs on the calling thread.
struct Blend {
  const float* x;  // (n)
  float* average;  // (n)
  int64_t n;
  float share;  // (0, 1]; 1 copies
};
void blend(Context& context, const Blend& args);

}  // namespace tessera::kernels
