#include "tessera/ops/cross_entropy.h"

#include <gtest/gtest.h>

#include "tessera/ops/tape.h"

namespace tessera::ops {
namespace {

Tensor labels_of(std::vector<int64_t> labels) {
  return Tensor::from({static_cast<int64_t>(labels.size())}, std::span<const int64_t>(labels));
}

// What the message of an Error says.
std::string refusal(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options = {}) {
  try {
    cross_entropy(logits, labels, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CrossEntropy, PartsOfABatchSumToTheWholeBatchesMean) {
  Tensor logits = Tensor::empty({6, 5});
  for (int64_t i = 0; i < logits.numel(); ++i) logits.data()[i] = static_cast<float>(i * 37 % 17) / 4;
  const std::vector<int64_t> labels = {0, 3, 1, 4, 4, 2};
  const float whole = cross_entropy(logits, labels_of(labels)).item();
  float parts = 0;
  for (int64_t begin : {0, 2, 4})
    parts += cross_entropy(logits.rows(begin, 2), labels_of({labels.begin() + begin, labels.begin() + begin + 2}),
                           {.divisor = 6})
                 .item();
  EXPECT_NEAR(parts, whole, 1e-6);
}

TEST(CrossEntropy, IsFiniteWhereTheLogitsAreExtreme) {
  Tensor logits = Tensor::zeros({2, 4}).set_requires_grad();
  for (int64_t i = 0; i < 8; ++i) logits.data()[i] = i % 4 == 1 ? 1e4f : -1e4f;
  const Tensor loss = cross_entropy(logits, labels_of({1, 0}));  // one right, one as wrong as can be
  EXPECT_FLOAT_EQ(loss.item(), 1e4f);
  backward(loss);
  const std::vector<float> expected = {0, 0, 0, 0, -0.5f, 0.5f, 0, 0};
  for (size_t i = 0; i < 8; ++i) EXPECT_EQ(logits.grad().data()[i], expected[i]) << i;
}

TEST(CrossEntropy, RefusesWhatHasNoMeaning) {
  const Tensor logits = Tensor::zeros({2, 3});
  EXPECT_NE(refusal(logits, labels_of({0, 3})).find("label 3 of sample 1"), std::string::npos);
  EXPECT_NE(refusal(logits, labels_of({-1, 0})).find("label -1 of sample 0"), std::string::npos);
  EXPECT_NE(refusal(logits, labels_of({0})).find("2 samples"), std::string::npos);
  EXPECT_NE(refusal(logits, labels_of({0, 1}), {.smoothing = 1.5f}).find("1.5"), std::string::npos);
  EXPECT_NE(refusal(logits, labels_of({0, 1}), {.class_weights = Tensor::full({2}, 1)}).find("(2)"), std::string::npos);
  EXPECT_NE(refusal(logits, labels_of({0, 1}), {.class_weights = Tensor::zeros({3})}).find("weight 0"),
            std::string::npos);
  EXPECT_THROW(soft_cross_entropy(logits, Tensor::zeros({3, 2})), Error);
}

}  // namespace
}  // namespace tessera::ops
