// What no OpCase shows: standardised weights that are kept.
#include "tessera/ops/standardise.h"

#include <gtest/gtest.h>

#include "tessera/core/random.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {
namespace {

TEST(Standardise, KeepsWhatItMadeOfFrozenWeights) {
  Tensor w = Tensor::empty({4, 9});
  Random random(1, "w");
  for (float& value : w.span()) value = static_cast<float>(random.normal());
  const Tensor plain = standardise(w, 1e-5f);
  kernels::FrozenWeights weights;
  weights.add(std::as_bytes(w.span()), false);
  const Frozen frozen(weights);
  const Tensor first = standardise(w, 1e-5f), second = standardise(w, 1e-5f);
  EXPECT_EQ(first.data(), second.data());
  EXPECT_EQ(std::vector<float>(first.span().begin(), first.span().end()),
            std::vector<float>(plain.span().begin(), plain.span().end()));
  const Tensor other = w.clone();  // no weight of the model's
  EXPECT_NE(standardise(other, 1e-5f).data(), standardise(other, 1e-5f).data());
  w.set_requires_grad();
  EXPECT_NE(standardise(w, 1e-5f).data(), first.data());
}

}  // namespace
}  // namespace tessera::ops
