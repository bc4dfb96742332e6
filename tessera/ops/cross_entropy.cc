#include "tessera/ops/cross_entropy.h"

#include "tessera/kernels/cross_entropy.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

void check(const char* name, const Tensor& logits, const CrossEntropyOptions& options) {
  TESSERA_CHECK(logits.rank() == 2 && logits.numel() > 0, "{}: logits must be (B, K), but they are {}", name,
                to_string(logits.shape()));
  TESSERA_CHECK(options.smoothing >= 0 && options.smoothing <= 1, "{}: smoothing must be in [0, 1], but it is {}", name,
                options.smoothing);
  TESSERA_CHECK(!options.class_weights || options.class_weights.shape() == Shape{logits.size(1)},
                "{}: there must be a weight for each of {} classes, but they are {}", name, logits.size(1),
                to_string(options.class_weights.shape()));
}

// either: labels or soft targets
Tensor run(const Tensor& logits, const Tensor& either, const CrossEntropyOptions& options, double divisor) {
  const int64_t B = logits.size(0), K = logits.size(1);
  const Tensor& weights = options.class_weights;
  const bool labels = either.dtype() == DType::i64;
  const kernels::CrossEntropyTargets targets{.labels = labels ? either.data<int64_t>() : nullptr,
                                             .soft = labels ? nullptr : either.data(),
                                             .class_weights = weights ? weights.data() : nullptr,
                                             .smoothing = options.smoothing};
  Tensor loss = Tensor::empty({1}), peak = Tensor::empty({B}), sum = Tensor::empty({B});
  kernels::cross_entropy_forward(kernels::cpu_context(), {.logits = logits.data(),
                                                          .targets = targets,
                                                          .loss = loss.data(),
                                                          .peak = peak.data(),
                                                          .sum = sum.data(),
                                                          .divisor = divisor,
                                                          .B = B,
                                                          .K = K});
  if (recording({logits})) {
    // `either` and `weights` are captured for what `targets` points to.
    record(loss, [=, logits = logits.detach(), either = either.detach(), weights = weights.detach(),
                  dx = GradientOf(logits)](const Tensor& dloss) {
      kernels::cross_entropy_backward(kernels::cpu_context(), {.dloss = dloss.item(),
                                                               .logits = logits.data(),
                                                               .targets = targets,
                                                               .peak = peak.data(),
                                                               .sum = sum.data(),
                                                               .dx = dx.target(),
                                                               .divisor = divisor,
                                                               .B = B,
                                                               .K = K});
    });
  }
  return loss;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  check("cross_entropy", logits, options);
  const int64_t B = logits.size(0), K = logits.size(1);
  TESSERA_CHECK(labels.shape() == Shape{B},
                "cross_entropy: there must be a label for each of {} samples, but they are {}", B,
                to_string(labels.shape()));
  const Tensor& weights = options.class_weights;
  double divisor = 0;
  for (int64_t b = 0; b < B; ++b) {
    const int64_t label = labels.data<int64_t>()[b];
    TESSERA_CHECK(label >= 0 && label < K, "cross_entropy: label {} of sample {} is not one of the {} classes", label,
                  b, K);
    divisor += weights ? weights.data()[label] : 1;
  }
  if (options.divisor != 0) divisor = options.divisor;
  TESSERA_CHECK(divisor > 0, "cross_entropy: every label of this batch has the class weight 0, so there is no mean");
  return run(logits, labels, options, divisor);
}

Tensor soft_cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check("soft_cross_entropy", logits, options);
  TESSERA_CHECK(targets.shape() == logits.shape(), "soft_cross_entropy: logits are {}, but targets are {}",
                to_string(logits.shape()), to_string(targets.shape()));
  return run(logits, targets, options, options.divisor != 0 ? options.divisor : static_cast<double>(logits.size(0)));
}

}  // namespace tessera::ops
