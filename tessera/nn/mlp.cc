#include "tessera/nn/mlp.h"

#include "tessera/ops/dropout.h"

namespace tessera::nn {

Tensor Mlp::forward(const Tensor& x, const Tensor& residual) const {
  Tensor hidden = fc1_.forward(  // (B, N, hidden)
      x, {.activation = activation_,
          .quantise = fc1_.takes_quantised() && fc2_.takes_quantised() ? fc2_.weight().size(1) : 0});
  hidden = ops::dropout(hidden, dropout_, path("drop1"));          // (B, N, hidden)
  const Tensor y = fc2_.forward(hidden, {.residual = residual});   // (B, N, D)
  return residual ? y : ops::dropout(y, dropout_, path("drop2"));  // (B, N, D)
}

}  // namespace tessera::nn
