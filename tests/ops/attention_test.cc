// What attention promises beyond its numbers: taps, memory, and what it refuses.
#include "tessera/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tessera/core/allocator.h"
#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/ref/attention.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

using test::normal;

Tensor mask_of(Shape shape, const std::vector<uint8_t>& values) {
  Tensor mask = Tensor::empty(std::move(shape), DType::u8);
  std::copy(values.begin(), values.end(), mask.data<uint8_t>());
  return mask;
}

AttentionOptions options_of(int64_t heads) {
  AttentionOptions options;
  options.heads = heads;
  options.scale = 0.5f;
  return options;
}

TEST(Attention, OffersItsProbabilitiesOnlyWhenTapped) {
  const int64_t B = 2, h = 2, Nq = 5, Nk = 1030, d = 3;  // several blocks of keys
  const Tensor q = normal({B, Nq, h * d}, "q"), k = normal({B, Nk, h * d}, "k"), v = normal({B, Nk, h * d}, "v");
  const TrainingState training(Draws{1, 2, 3});
  AttentionOptions options = options_of(h);
  options.bias = normal({h, Nq, Nk}, "bias");
  std::vector<uint8_t> seen(static_cast<size_t>(B * Nk), 1);
  for (size_t j = 0; j < seen.size(); ++j)
    seen[j] = j < static_cast<size_t>(Nk) && j % 5 != 0;  // sample 1 sees nothing
  options.key_mask = mask_of({B, Nk}, seen);
  options.dropout = 0.3f;
  options.dropout_path = "drop";
  const Tensor y = attention(q, k, v, options);

  options.tap = "blocks.0.attn";
  const Taps taps;
  const Tensor tapped_y = attention(q, k, v, options);
  for (int64_t i = 0; i < y.numel(); ++i) ASSERT_EQ(y.data()[i], tapped_y.data()[i]);
  const Tensor p = taps.at("blocks.0.attn");
  ASSERT_EQ(p.shape(), (Shape{B, h, Nq, Nk}));
  test::RefAttention<double> reference{h, options.scale, seen, test::to_array(options.bias)};
  for (int64_t row = 0; row < B * h * Nq; ++row) {
    const std::vector<double> expected =
        reference.probabilities(test::to_array(q), test::to_array(k), row / (h * Nq), row / Nq % h, row % Nq);
    for (int64_t j = 0; j < Nk; ++j) ASSERT_NEAR(p.data()[row * Nk + j], expected[static_cast<size_t>(j)], 1e-7);
  }
}

// The (N, N) probabilities of one head would take 16 MiB.
TEST(Attention, NeedsMemoryLinearInTheSequence) {
  const int64_t N = 2048, width = 2 * 16;
  const Tensor qkv = normal({1, N, 3 * width}, "qkv").set_requires_grad();
  const auto peak_of = [&](const auto& work) {
    reset_peak_memory();
    const size_t before = allocator_statistics().in_use;
    work();
    return allocator_statistics().peak_in_use - before;
  };
  const int threads_before = num_threads();
  set_num_threads(2);
  const size_t scratch = 2 << 20;  // both threads': a block of scores, a head's keys and values, …
  Tensor y;
  EXPECT_LT(peak_of([&] { y = attention(qkv, options_of(2)); }), scratch + 2 * y.bytes());
  EXPECT_LT(peak_of([&] { backward(y, y); }), 2 * scratch + 2 * qkv.bytes());
  set_num_threads(threads_before);
}

TEST(Attention, TakesOneTensorThreeTimes) {
  const Tensor x = normal({2, 9, 6}, "x").set_requires_grad(), dy = normal({2, 9, 6}, "dy");
  backward(attention(x, x, x, options_of(2)), dy);

  Tensor q = x.detach().set_requires_grad(), k = x.detach().set_requires_grad(), v = x.detach().set_requires_grad();
  backward(attention(q, k, v, options_of(2)), dy);
  for (int64_t i = 0; i < x.numel(); ++i)
    EXPECT_NEAR(x.grad().data()[i], q.grad().data()[i] + k.grad().data()[i] + v.grad().data()[i], 1e-5);
}

TEST(Attention, DropsNothingInEvaluation) {
  const Tensor qkv = normal({1, 9, 12}, "qkv");
  AttentionOptions options = options_of(2);
  const Tensor y = attention(qkv, options);
  options.dropout = 0.5f;
  const Tensor z = attention(qkv, options);
  for (int64_t i = 0; i < y.numel(); ++i) EXPECT_EQ(y.data()[i], z.data()[i]);
}

TEST(Attention, DoesNotHideWhatIsNotANumber) {
  Tensor qkv = normal({1, 20, 12}, "qkv");
  qkv.data()[12 * 7] = std::nanf("");  // of the query of token 7, head 0
  const Tensor y = attention(qkv, options_of(2));
  EXPECT_TRUE(std::isnan(y.data()[7 * 4]));
  EXPECT_FALSE(std::isnan(y.data()[7 * 4 + 2]));
  EXPECT_FALSE(std::isnan(y.data()[6 * 4]));
}

// Scores far beyond the range of exp, and a mask that leaves one key.
TEST(Attention, SurvivesLargeScores) {
  Tensor qkv = normal({1, 40, 12}, "qkv");
  for (float& value : qkv.span()) value *= 100;
  AttentionOptions options = options_of(2);
  std::vector<uint8_t> seen(40, 0);
  seen[31] = 1;
  options.key_mask = mask_of({1, 40}, seen);
  const Tensor y = attention(qkv, options);
  for (int64_t i = 0; i < 40; ++i)
    for (int64_t c = 0; c < 4; ++c) EXPECT_EQ(y.data()[i * 4 + c], qkv.data()[31 * 12 + 8 + c]);
  const Tensor all = attention(qkv, options_of(2));
  for (float value : all.span()) EXPECT_TRUE(std::isfinite(value));
}

// Neither a bit of the result nor of a gradient: not of the queries that see other keys, not of those that see none.
TEST(Attention, NothingOfAHiddenKeyCounts) {
  const int64_t B = 2, h = 2, Nq = 9, Nk = 1030, d = 5;  // several blocks of keys
  std::vector<uint8_t> seen(static_cast<size_t>(B * Nk), 0);
  for (size_t j = 0; j < static_cast<size_t>(Nk); ++j) seen[j] = j % 3 != 1 && j < 1000;
  AttentionOptions options = options_of(h);
  options.key_mask = mask_of({B, Nk}, seen);
  const Tensor dy = normal({B, Nq, h * d}, "dy");
  const auto run = [&](float hidden) {  // y and all gradients
    std::vector<Tensor> x = {normal({B, Nq, h * d}, "q"), normal({B, Nk, h * d}, "k"), normal({B, Nk, h * d}, "v")};
    for (int64_t t = 0; t < x[1].numel(); ++t)
      if (!seen[static_cast<size_t>(t / (h * d))]) x[1].data()[t] = x[2].data()[t] = hidden;
    for (Tensor& tensor : x) tensor.set_requires_grad();
    const Tensor y = attention(x[0], x[1], x[2], options);
    backward(y, dy);
    return std::vector<Tensor>{y, x[0].grad(), x[1].grad(), x[2].grad()};
  };
  const std::vector<Tensor> expected = run(0.5f);
  for (const float hidden : {-3e38f, std::nanf(""), INFINITY}) {
    const std::vector<Tensor> ours = run(hidden);
    for (size_t i = 0; i < ours.size(); ++i)
      EXPECT_EQ(std::memcmp(ours[i].raw(), expected[i].raw(), ours[i].bytes()), 0) << hidden << ", tensor " << i;
  }
  for (const size_t gradient : {2, 3}) {  // of k, and of v
    for (int64_t t = 0; t < B * Nk * h * d; ++t) {
      if (!seen[static_cast<size_t>(t / (h * d))]) {
        ASSERT_EQ(expected[gradient].data()[t], 0);
      }
    }
  }
}

TEST(Attention, AMaskedKeyHasNoWeightAtAll) {
  const int64_t B = 2, h = 3, N = 21, d = 4;
  AttentionOptions options = options_of(h);
  options.mask = Tensor::empty({1, h, N, N}, DType::u8);
  for (int64_t t = 0; t < options.mask.numel(); ++t)
    options.mask.data<uint8_t>()[t] = t / N % N != 7 && t % N <= t / N % N;  // causal; query 7 sees nothing
  options.tap = "p";
  const Taps taps;
  const Tensor y = attention(normal({B, N, 3 * h * d}, "qkv"), options), p = taps.at("p");
  for (int64_t row = 0; row < B * h * N; ++row) {
    double sum = 0;
    for (int64_t j = 0; j < N; ++j) {
      const float weight = p.data()[row * N + j];
      sum += weight;
      EXPECT_EQ(weight > 0, options.mask.data<uint8_t>()[row % (h * N) * N + j] != 0);
    }
    EXPECT_NEAR(sum, row % N == 7 ? 0 : 1, 1e-6);
  }
  for (int64_t c = 0; c < h * d; ++c) EXPECT_EQ(y.data()[7 * h * d + c], 0);
}

TEST(Attention, RefusesWhatDoesNotFit) {
  const Tensor qkv = normal({1, 4, 12}, "qkv"), q = normal({1, 4, 6}, "q"), k = normal({1, 5, 6}, "k");
  EXPECT_THROW(attention(qkv, options_of(3)), Error);  // 4 columns, 3 heads
  EXPECT_THROW(attention(normal({1, 4, 10}, "x"), options_of(1)), Error);
  EXPECT_THROW(attention(normal({0, 4, 12}, "x"), options_of(2)), Error);
  EXPECT_THROW(attention(q, k, q, options_of(2)), Error);
  AttentionOptions options = options_of(2);
  options.key_mask = mask_of({1, 3}, {1, 1, 1});
  EXPECT_THROW(attention(qkv, options), Error);
  options = options_of(2);
  options.bias_table = normal({3, 2}, "table");
  EXPECT_THROW(attention(qkv, options), Error);  // no index
  options.bias_index = Tensor::zeros({4, 4}, DType::s32);
  attention(qkv, options);
  options.bias_index.data<int32_t>()[5] = 3;
  EXPECT_THROW(attention(qkv, options), Error);  // there are rows 0, 1 and 2
  options = options_of(2);
  options.mask = Tensor::zeros({1, 2, 3, 4}, DType::u8);  // 4 queries
  EXPECT_THROW(attention(qkv, options), Error);
  options.mask = Tensor::zeros({1, 2, 4, 1}, DType::u8);  // keys have no step of 0
  EXPECT_THROW(attention(qkv, options), Error);
  options.mask = Tensor::zeros({4, 4}, DType::u8);
  EXPECT_THROW(attention(qkv, options), Error);
  options.mask = Tensor::zeros({1, 1, 4, 4});
  EXPECT_THROW(attention(qkv, options), Error);
  options = options_of(2);
  options.dropout = 1;
  EXPECT_THROW(attention(qkv, options), Error);
}

}  // namespace
}  // namespace tessera::ops
