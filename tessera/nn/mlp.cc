#include "tessera/nn/mlp.h"

#include "tessera/ops/dropout.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

Tensor Mlp::forward(const Tensor& x, const ops::LinearOptions& last) const {
  const bool dropping = ops::current_training() && dropout_ > 0;
  const bool agreed = !dropping && fc1_.input_dtype() == fc2_.input_dtype();
  Tensor hidden = fc1_.forward(  // (B, N, hidden)
      x, {.activation = activation_, .dtype = agreed ? fc2_.input_dtype() : DType::f32});
  hidden = ops::dropout(hidden, dropout_, path("drop1"));               // (B, N, hidden)
  const Tensor y = fc2_.forward(hidden, last);                          // (B, N, D)
  return last.residual ? y : ops::dropout(y, dropout_, path("drop2"));  // (B, N, D)
}

}  // namespace tessera::nn
