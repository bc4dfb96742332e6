// What the harness does not see of SwiGLU: bf16, and what is refused.
#include "tessera/ops/swiglu.h"

#include <gtest/gtest.h>

#include "tessera/kernels/narrow.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

Tensor narrowed(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), DType::bf16);
  kernels::narrow(kernels::cpu_context(), {.x = x.data(), .y = y.data<bf16>(), .n = x.numel()});
  return y;
}

TEST(Swiglu, RoundsOnceToBf16) {
  const Tensor packed = test::normal({5, 2 * 37}, "packed");
  const Tensor y = narrowed(swiglu(packed)), half = swiglu(packed, DType::bf16);
  ASSERT_EQ(half.dtype(), DType::bf16);
  for (int64_t i = 0; i < y.numel(); ++i) EXPECT_EQ(half.data<bf16>()[i].bits, y.data<bf16>()[i].bits) << i;
}

TEST(Swiglu, RefusesWhatDoesNotFit) {
  EXPECT_NE(test::error_of([] {
              swiglu(Tensor::zeros({2, 3}), Tensor::zeros({2, 4}));
            }).find("one shape"),
            std::string::npos);
  EXPECT_NE(test::error_of([] { swiglu(Tensor::zeros({2, 3})); }).find("even"), std::string::npos);
}

}  // namespace
}  // namespace tessera::ops
