#include "tessera/ops/local_response_norm.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tessera::ops {
namespace {

TEST(LocalResponseNorm, ANotANumberReachesItsNeighbours) {
  const Tensor y = local_response_norm(Tensor::from({1, 4}, std::vector<float>{NAN, 1, 1, 1}),
                                       {.size = 3, .alpha = 1, .beta = 0.75f, .k = 1});
  EXPECT_TRUE(std::isnan(y.data()[0]));
  EXPECT_TRUE(std::isnan(y.data()[1]));
  EXPECT_FALSE(std::isnan(y.data()[3]));
}

}  // namespace
}  // namespace tessera::ops
