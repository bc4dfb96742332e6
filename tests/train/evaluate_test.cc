#include "tessera/train/evaluate.h"

#include <gtest/gtest.h>

#include "tests/tensors.h"

namespace tessera::train {
namespace {

TEST(Evaluate, MirrorsPicturesFromLeftToRight) {
  const Tensor images = Tensor::from({1, 2, 3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  const Tensor mirror = mirrored(images);
  EXPECT_EQ(std::vector<float>(mirror.span().begin(), mirror.span().end()),
            (std::vector<float>{5, 6, 3, 4, 1, 2, 11, 12, 9, 10, 7, 8}));
}

TEST(Evaluate, AnswersWithTheMeanOfAPictureAndItsMirrorImage) {
  const Tensor images = Tensor::from({2, 1, 2, 1}, std::vector<float>{1, 5, 2, 8});
  const auto first_pixel = [](const Tensor& x) {
    return Tensor::from({2, 1}, std::vector<float>{x.data()[0], x.data()[2]});
  };
  const Tensor mean = mean_with_mirrored(first_pixel, images);
  EXPECT_EQ(mean.data()[0], 3);
  EXPECT_EQ(mean.data()[1], 5);
}

}  // namespace
}  // namespace tessera::train
