#include "tessera/ops/batch_norm_parts.h"

#include <algorithm>

#include "tessera/kernels/batch_norm_parts.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

// Pixels and channels of x.
kernels::BatchNormShape shape_of(const Tensor& x) { return {.P = x.numel() / x.size(-1), .C = x.size(-1)}; }

// The shape of the result.
Shape check(const std::vector<NormPart>& parts, const BatchNormState& s, bool training) {
  TESSERA_CHECK(!parts.empty() && parts[0].x.rank() >= 2, "batch_norm_parts: there must be parts of shape (B, …, C)");
  Shape joined = parts[0].x.shape();
  joined[-1] = 0;
  for (const NormPart& part : parts) {
    Shape pixels = part.x.shape();
    const int64_t C = pixels.rank() == joined.rank() ? pixels[-1] : 0;
    pixels[-1] = joined[-1];
    TESSERA_CHECK(part.x.numel() > 0 && pixels == joined,
                  "batch_norm_parts: a part {} does not fit to the first one, {}", to_string(part.x.shape()),
                  to_string(parts[0].x.shape()));
    TESSERA_CHECK(!training || part.moments.shape() == Shape({2, C}),
                  "batch_norm_parts: in training a part {} needs moments (2, {}), but they are {}",
                  to_string(part.x.shape()), C, to_string(part.moments.shape()));
    joined[-1] += C;
  }
  for (const Tensor& tensor : {s.gamma, s.beta, s.running_mean, s.running_variance})
    TESSERA_CHECK(tensor.shape() == Shape{joined[-1]},
                  "batch_norm_parts: weights and statistics must be of all {} channels, but one is {}", joined[-1],
                  to_string(tensor.shape()));
  return joined;
}

// The state with the parts' own statistics; the running ones follow.
BatchNormState count(const std::vector<NormPart>& parts, const BatchNormState& s, float momentum) {
  BatchNormState own = {s.gamma, s.beta, Tensor::empty(s.gamma.shape()), Tensor::empty(s.gamma.shape())};
  int64_t first = 0;
  for (const NormPart& part : parts) {
    const auto [P, C] = shape_of(part.x);
    const std::span<const float> mean(part.moments.data(), static_cast<size_t>(C));
    const std::span<const float> variance(part.moments.data() + C, static_cast<size_t>(C));
    follow(s, momentum, P, mean, variance, first);
    std::copy(mean.begin(), mean.end(), own.running_mean.data() + first);
    std::copy(variance.begin(), variance.end(), own.running_variance.data() + first);
    first += C;
  }
  return own;
}

bool recording_any(const std::vector<NormPart>& parts, const BatchNormState& s) {
  return recording({s.gamma, s.beta}) || std::any_of(parts.begin(), parts.end(), [](const NormPart& part) {
           return recording({part.x, part.moments});
         });
}

// What backward needs of a part.
struct Kept {
  Tensor x;
  GradientOf dx, dmoments;
};

}  // namespace

Tensor moments(const Tensor& x) {
  TESSERA_CHECK(x.rank() >= 2 && x.numel() > x.size(-1),
                "batch_norm: training needs more than one value of each channel, but x is {}", to_string(x.shape()));
  const auto [P, C] = shape_of(x);
  Tensor y = Tensor::empty({2, C});
  kernels::batch_statistics(kernels::cpu_context(),
                            {.x = x.data(), .mean = y.data(), .variance = y.data() + C, .shape = {P, C}});
  if (recording({x})) {
    record(y, [P = P, C = C, x = x.detach(), mean = y.detach(), dx = GradientOf(x)](const Tensor& dy) {
      kernels::moments_backward(
          kernels::cpu_context(),
          {.dmoments = dy.data(), .x = x.data(), .mean = mean.data(), .dx = dx.target(), .P = P, .C = C});
    });
  }
  return y;
}

Tensor batch_norm_parts(const std::vector<NormPart>& parts, const BatchNormState& state,
                        const BatchNormOptions& options) {
  Tensor y = Tensor::empty(check(parts, state, options.training));
  const kernels::BatchNormShape shape = shape_of(y);
  const BatchNormState s = options.training ? count(parts, state, options.momentum) : state;
  const ChannelAffine affine = folded(s, options.eps);
  std::vector<kernels::NormPart> places;
  for (const NormPart& part : parts) places.push_back({.x = part.x.data(), .C = part.x.size(-1)});
  kernels::batch_norm_parts_forward(kernels::cpu_context(), {.parts = places,
                                                             .scale = affine.scale.data(),
                                                             .shift = affine.shift.data(),
                                                             .y = y.data(),
                                                             .P = shape.P,
                                                             .C = shape.C,
                                                             .activation = options.activation});
  if (!recording_any(parts, state)) return y;
  std::vector<Kept> kept;
  for (const NormPart& part : parts)
    kept.push_back({part.x.detach(), GradientOf(part.x), options.training ? GradientOf(part.moments) : GradientOf()});
  record(y, [=, places = std::move(places), kept = std::move(kept), gamma = s.gamma.detach(), beta = s.beta.detach(),
             mean = s.running_mean.detach(), variance = s.running_variance.detach(), dgamma = GradientOf(s.gamma),
             dbeta = GradientOf(s.beta)](const Tensor& dy) mutable {
    for (size_t i = 0; i < kept.size(); ++i)
      places[i].dx = kept[i].dx.target(), places[i].dmoments = kept[i].dmoments.target();
    kernels::batch_norm_parts_backward(kernels::cpu_context(), {.dy = dy.data(),
                                                                .parts = places,
                                                                .mean = mean.data(),
                                                                .variance = variance.data(),
                                                                .gamma = gamma.data(),
                                                                .beta = beta.data(),
                                                                .dgamma = dgamma.target(),
                                                                .dbeta = dbeta.target(),
                                                                .P = shape.P,
                                                                .C = shape.C,
                                                                .eps = options.eps,
                                                                .activation = options.activation});
  });
  return y;
}

}  // namespace tessera::ops
