#include "tessera/ops/conv2d.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/ops/add.h"
#include "tessera/ops/frozen.h"
#include "tessera/ops/tape.h"
#include "tests/tensors.h"

namespace tessera::ops {
namespace {

using test::normal;

bool same_bits(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

TEST(Conv2d, GivesTheSameBitsEveryTime) {
  const int before = num_threads();
  for (const int64_t groups : {1, 24}) {
    Tensor x = normal({7, 12, 12, 24}, "x"), w = normal({24, 24 / groups, 3, 3}, "w"), bias = normal({24}, "bias");
    for (Tensor* input : {&x, &w, &bias}) input->set_requires_grad();
    for (int threads = 1; threads <= 3; ++threads) {
      set_num_threads(threads);
      std::vector<Tensor> first;
      for (int again = 0; again < 5; ++again) {
        const Tensor y = conv2d(x, w, bias, {.padding = {1, 1, 1, 1}, .groups = groups});
        backward(y, y);
        const std::vector<Tensor> results = {y, x.grad().clone(), w.grad().clone(), bias.grad().clone()};
        if (first.empty()) first = results;
        for (size_t i = 0; i < results.size(); ++i)
          EXPECT_TRUE(same_bits(results[i], first[i])) << threads << ", " << i;
        for (const Tensor& input : {x, w, bias}) zero_grad(input);
      }
    }
  }
  set_num_threads(before);
}

// What a norm, a sum and an activation behind the convolution give when they are a part of it, and a norm and a sum
// behind the activation.
void expect_what_follows(int64_t C, int64_t O, int64_t groups) {
  const NoGrad no_grad;
  const Conv2dOptions options = {.stride = {2, 2}, .padding = {1, 1, 1, 1}, .groups = groups};
  const Tensor x = normal({2, 9, 9, C}, "x"), w = normal({O, C / groups, 3, 3}, "w");
  const auto vector = [&](const char* name) { return normal({O}, name); };
  const auto map = [&](const char* name) { return normal({2, 5, 5, O}, name); };
  const Tensor bias = vector("bias"), scale = vector("scale"), gain = vector("gain"), shift = vector("shift");
  const auto affine = [O](Tensor y, const Tensor& by, const Tensor& plus) {
    for (int64_t i = 0; i < y.numel(); ++i) y.data()[i] = y.data()[i] * by.data()[i % O] + plus.data()[i % O];
    return y;
  };
  const Tensor scaled = affine(conv2d(x, w, {}, options), scale, bias);
  kernels::FrozenWeights frozen;
  frozen.add({w.raw(), w.bytes()}, false);
  const Frozen in_use(frozen);
  for (const Activation activation :
       {Activation::none, Activation::relu, Activation::gelu_erf, Activation::gelu_tanh, Activation::tanh,
        Activation::sigmoid, Activation::silu, Activation::relu6, Activation::hard_swish}) {
    const auto check = [&](const Tensor& y, const Tensor& expected) {
      for (int64_t i = 0; i < y.numel(); ++i)
        ASSERT_NEAR(y.data()[i], expected.data()[i], 1e-4)
            << C << " -> " << O << ", " << groups << " groups, " << static_cast<int>(activation) << " at " << i;
    };
    Tensor residual = map("residual");
    const Tensor added = map("added"), expected = activate(add(scaled, residual), activation);
    check(conv2d_for_use(x, w, bias, options, {scale, residual, activation}), expected);
    const Tensor normed = affine(expected.clone(), gain, shift);
    check(conv2d_for_use(x, w, bias, options, {scale, residual, activation, gain, shift}), normed);
    check(conv2d_for_use(x, w, bias, options, {scale, residual, activation, gain, shift, added}), add(normed, added));
    const float* before = residual.data();
    const Tensor in_place = conv2d_for_use(x, w, bias, options, {scale, std::move(residual), activation});
    check(in_place, expected);
    EXPECT_EQ(in_place.data(), before) << "nobody else held the residual";
  }
}

TEST(Conv2d, ForUseDoesWhatFollows) {
  expect_what_follows(16, 24, 1);
  expect_what_follows(3, 17, 1);
  expect_what_follows(16, 24, 8);
  expect_what_follows(19, 19, 19);
  expect_what_follows(32, 32, 32);
}

TEST(Conv2d, ForUseChecksWhatFollows) {
  const NoGrad no_grad;
  const Tensor x = Tensor::zeros({1, 4, 4, 4}), w = Tensor::zeros({8, 4, 3, 3}), few = Tensor::zeros({4});
  EXPECT_THROW(conv2d_for_use(x, w, {}, {}, {.scale = few}), Error);
  EXPECT_THROW(conv2d_for_use(x, w, {}, {}, {.after_scale = few, .after_shift = few}), Error);
  EXPECT_THROW(conv2d_for_use(x, w, {}, {}, {.after_scale = Tensor::zeros({8})}), Error);
}

TEST(Conv2d, NamesTheShapesThatDoNotFit) {
  const Tensor x = Tensor::zeros({1, 4, 4, 6});
  const auto message = [&](const Tensor& w, const Tensor& bias, const Conv2dOptions& options) -> std::string {
    try {
      conv2d(x, w, bias, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message(Tensor::zeros({2, 5, 3, 3}), {}, {}).find("(O, 6, kh, kw), but it is (2, 5, 3, 3)"),
            std::string::npos);
  EXPECT_NE(message(Tensor::zeros({2, 6, 3, 3}), Tensor::zeros({3}), {}).find("(2), but it is (3)"), std::string::npos);
  EXPECT_NE(message(Tensor::zeros({6, 2, 3, 3}), {}, {.groups = 4}).find("4 groups"), std::string::npos);
  EXPECT_NE(message(Tensor::zeros({2, 6, 5, 1}), {}, {}).find("no 5×1 window fits"), std::string::npos);
  EXPECT_NE(message(Tensor::zeros({2, 6, 1, 1}), {}, {.stride = {0, 1}}).find("stride"), std::string::npos);
}

}  // namespace
}  // namespace tessera::ops
