// What batch normalisation does besides its formula: it counts, and it can be folded.
#include "tessera/ops/batch_norm.h"

#include <gtest/gtest.h>

#include "tessera/ops/tape.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

BatchNormState fresh(int64_t C) {
  return {Tensor::full({C}, 1), Tensor::zeros({C}), Tensor::zeros({C}), Tensor::full({C}, 1)};
}

// torch.nn.BatchNorm1d(1, momentum=0.25) in training mode on [[1], [2], [6]], by hand: mean 3, unbiased variance 7.
TEST(BatchNorm, RunningStatisticsMoveAsInPyTorch) {
  const BatchNormState state = fresh(1);
  batch_norm(Tensor::from({3, 1}, std::vector<float>{1, 2, 6}), state, {.training = true, .momentum = 0.25f});
  EXPECT_FLOAT_EQ(state.running_mean.item(), 0.75f);
  EXPECT_FLOAT_EQ(state.running_variance.item(), 2.5f);
  const Tensor y = batch_norm(Tensor::from({1, 1}, std::vector<float>{2.75f}), state, {.eps = 1.5f});
  EXPECT_FLOAT_EQ(y.item(), 1.0f);  // evaluation moves nothing
  EXPECT_FLOAT_EQ(state.running_mean.item(), 0.75f);
}

TEST(BatchNorm, SmallDeviationsFarFromZeroKeepTheirDigits) {
  const Tensor x = test::normal({4096, 3}, "x");
  for (float& value : x.span()) value = 100 + 0.01f * value;
  const BatchNormState state = fresh(3);
  const Tensor y = batch_norm(x, state, {.eps = 0, .training = true});
  double mean = 0, square = 0;
  for (int64_t i = 0; i < y.numel(); i += 3) mean += y.data()[i], square += y.data()[i] * y.data()[i];
  EXPECT_NEAR(mean / 4096, 0, 2e-3);
  EXPECT_NEAR(square / 4096, 1, 2e-3);
}

TEST(BatchNorm, OneValueHasNoVariance) {
  EXPECT_NE(test::error_of([] {
              batch_norm(Tensor::zeros({1, 1, 1, 4}), fresh(4), {.training = true});
            }).find("more than one value"),
            std::string::npos);
}

TEST(BatchNorm, FoldsIntoAMultiplyAdd) {
  const BatchNormState state = {test::normal({5}, "gamma"), test::normal({5}, "beta"), test::normal({5}, "mean"),
                                Tensor::full({5}, 0.3f)};
  const Tensor x = test::normal({7, 5}, "x"), y = batch_norm(x, state, {.eps = 1e-3f});
  const ChannelAffine affine = folded(state, 1e-3f);
  for (int64_t i = 0; i < x.numel(); ++i)
    EXPECT_NEAR(y.data()[i], x.data()[i] * affine.scale.data()[i % 5] + affine.shift.data()[i % 5], 1e-5);
}

}  // namespace
}  // namespace tessera::ops
