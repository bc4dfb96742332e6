// Every product of every registered model runs in one of oneDNN's fast implementations: forward and backward.
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "tessera/infer/quantize.h"
#include "tessera/kernels/matmul.h"
#include "tessera/models/registry.h"

namespace tessera::models {
namespace {

using kernels::implementation_of;

void check(int64_t M, int64_t N, int64_t K) {
  float some = 0;
  kernels::FrozenWeights frozen;
  kernels::Matmul forward = {
      .a = &some, .b = &some, .bias = &some, .c = {&some}, .M = M, .N = N, .K = K, .transpose_b = true};
  kernels::Matmul used = forward;
  used.frozen = &frozen;
  const kernels::Matmul dx = {.a = &some, .b = &some, .c = {&some}, .M = M, .N = K, .K = N};
  const kernels::Matmul dw = {.a = &some, .b = &some, .c = {&some}, .M = N, .N = K, .K = M, .transpose_a = true};
  kernels::Matmul more = dw;
  more.c.accumulate = true;
  for (const kernels::Matmul& product : {forward, used, dx, dw, more}) EXPECT_NE(implementation_of(product), "");
}

TEST(Products, NeverRunInReferenceCode) {
  for (const std::string& name : registry().variants.names()) {
    SCOPED_TRACE(name);
    const auto model = build(architecture_of(name));  // its weights are not touched
    int64_t tokens = 0;
    for (const ShapeStep& step : model->shapes()) tokens = step.what == "tokens and positions" ? step.shape[0] : tokens;
    ASSERT_FALSE(model->products().empty());
    std::set<std::pair<int64_t, int64_t>> shapes;  // each once
    for (const Product& product : model->products()) {
      const Tensor& w = infer::parameter(*model, product.weight);
      shapes.insert({w.size(0), w.numel() / w.size(0)});
    }
    for (const auto& [N, K] : shapes)
      for (const int64_t M : {int64_t{1}, int64_t{8}, tokens, 8 * tokens}) check(M, N, K);
  }
}

}  // namespace
}  // namespace tessera::models
