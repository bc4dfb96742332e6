#include "tessera/ops/binary_cross_entropy.h"

#include "tessera/kernels/binary_cross_entropy.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets, const BinaryCrossEntropyOptions& options) {
  TESSERA_CHECK(logits.rank() == 2 && logits.numel() > 0,
                "binary_cross_entropy: logits must be (B, K), but they are {}", to_string(logits.shape()));
  const int64_t B = logits.size(0), K = logits.size(1);
  TESSERA_CHECK(targets.shape() == logits.shape(), "binary_cross_entropy: logits are {}, but targets are {}",
                to_string(logits.shape()), to_string(targets.shape()));
  const Tensor& weights = options.positive_weights;
  TESSERA_CHECK(!weights || weights.shape() == Shape{K},
                "binary_cross_entropy: there must be a weight for each of {} classes, but they are {}", K,
                to_string(weights.shape()));
  const double divisor = options.divisor != 0 ? options.divisor : static_cast<double>(B * K);
  Tensor loss = Tensor::empty({1});
  kernels::binary_cross_entropy_forward(kernels::cpu_context(), {.logits = logits.data(),
                                                                 .targets = targets.data(),
                                                                 .positive_weights = weights ? weights.data() : nullptr,
                                                                 .loss = loss.data(),
                                                                 .divisor = divisor,
                                                                 .B = B,
                                                                 .K = K});
  if (recording({logits})) {
    record(loss, [=, logits = logits.detach(), targets = targets.detach(), weights = weights.detach(),
                  dx = GradientOf(logits)](const Tensor& dloss) {
      kernels::binary_cross_entropy_backward(kernels::cpu_context(),
                                             {.dloss = dloss.item(),
                                              .logits = logits.data(),
                                              .targets = targets.data(),
                                              .positive_weights = weights ? weights.data() : nullptr,
                                              .dx = dx.target(),
                                              .divisor = divisor,
                                              .B = B,
                                              .K = K});
    });
  }
  return loss;
}

}  // namespace tessera::ops
