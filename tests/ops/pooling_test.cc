#include "tessera/ops/pooling.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/ops/tape.h"

namespace tessera::ops {
namespace {

Tensor picture(Shape shape, const std::vector<float>& values) { return Tensor::from(std::move(shape), values); }

std::vector<float> elements(const Tensor& x) { return {x.span().begin(), x.span().end()}; }

TEST(Pooling, OfEqualPixelsTheFirstGetsTheGradient) {
  Tensor x = picture({1, 2, 2, 1}, {3, 3, 3, 1});
  x.set_requires_grad();
  backward(max_pool2d(x, {.kernel = {2, 2}, .stride = {2, 2}}));
  EXPECT_EQ(elements(x.grad()), (std::vector<float>{1, 0, 0, 0}));
}

TEST(Pooling, ANanIsTheLargest) {
  const Tensor x = picture({1, 1, 3, 1}, {1, std::nanf(""), 2});
  EXPECT_TRUE(std::isnan(max_pool2d(x, {.kernel = {1, 3}, .stride = {1, 1}}).item()));
}

TEST(Pooling, PaddingIsNeverTheLargest) {
  Tensor x = picture({1, 1, 2, 1}, {-5, -INFINITY});
  x.set_requires_grad();
  const Tensor y = max_pool2d(x, {.kernel = {3, 1}, .stride = {1, 1}, .padding = {1, 0, 1, 0}});
  EXPECT_EQ(elements(y), (std::vector<float>{-5, -INFINITY}));
  backward(y, Tensor::full(y.shape(), 2));
  EXPECT_EQ(elements(x.grad()), (std::vector<float>{2, 2}));
}

// What PyTorch 2 gives for a row of 5 ones, kernel 2, stride 2, padding 1 on either side.
TEST(Pooling, DividesAsPyTorchDoes) {
  const Tensor x = Tensor::full({1, 1, 5, 1}, 1);
  PoolOptions options = {.kernel = {1, 2}, .stride = {1, 2}, .padding = {0, 1, 0, 1}};
  EXPECT_EQ(elements(avg_pool2d(x, options)), (std::vector<float>{0.5f, 1, 1}));
  options.ceil_mode = true;  // a fourth window would start behind the picture
  EXPECT_EQ(elements(avg_pool2d(x, options)), (std::vector<float>{0.5f, 1, 1}));
  options.count_include_pad = false;
  EXPECT_EQ(elements(avg_pool2d(x, options)), (std::vector<float>{1, 1, 1}));
}

TEST(Pooling, AWindowThatSticksOutCountsWhatItSees) {
  const Tensor x = picture({1, 1, 5, 1}, {1, 2, 3, 4, 5});
  const PoolOptions options = {.kernel = {1, 2}, .stride = {1, 2}, .ceil_mode = true};
  EXPECT_EQ(elements(avg_pool2d(x, options)), (std::vector<float>{1.5f, 3.5f, 5}));
  EXPECT_EQ(elements(max_pool2d(x, options)), (std::vector<float>{2, 4, 5}));
}

TEST(Pooling, NamesWhatDoesNotFit) {
  const Tensor x = Tensor::zeros({1, 4, 4, 2});
  EXPECT_THROW(max_pool2d(x, {.kernel = {5, 1}, .stride = {1, 1}}), Error);
  EXPECT_THROW(max_pool2d(x, {.kernel = {2, 2}, .stride = {0, 1}}), Error);
  EXPECT_THROW(avg_pool2d(x, {.kernel = {2, 2}, .stride = {1, 1}, .padding = {2, 0, 0, 0}}), Error);
  EXPECT_THROW(mean_tokens(Tensor::zeros({1, 3, 2}), 3), Error);
  EXPECT_THROW(mean_tokens(Tensor::zeros({3, 2})), Error);
  EXPECT_THROW(mean_tokens(Tensor::zeros({1, 3, 2}), Tensor::zeros({1, 2}, DType::u8)), Error);
  EXPECT_THROW(mean_tokens(Tensor::zeros({1, 3, 2}), Tensor::zeros({1, 3})), Error);
}

TEST(Pooling, ATokenThatDoesNotCountIsNotLookedAt) {
  Tensor x = picture({2, 2, 2}, {1, std::nanf(""), 3, 5, INFINITY, 1, 2, 3});
  x.set_requires_grad();
  const Tensor mask = Tensor::zeros({2, 2}, DType::u8);
  mask.data<uint8_t>()[1] = 1;
  const Tensor y = mean_tokens(x, mask);
  EXPECT_EQ(elements(y), (std::vector<float>{3, 5, 0, 0}));
  backward(y, picture({2, 2}, {6, 7, 8, 9}));
  EXPECT_EQ(elements(x.grad()), (std::vector<float>{0, 0, 6, 7, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace tessera::ops
