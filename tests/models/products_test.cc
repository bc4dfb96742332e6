// Every product of every registered model runs in one of oneDNN's fast implementations: forward and backward; and can
// be quantised.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "tessera/infer/quantize.h"
#include "tessera/kernels/matmul.h"
#include "tessera/models/registry.h"
#include "tessera/ops/tape.h"
#include "tests/tensors.h"

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
    for (const ShapeStep& step : model->shapes()) {
      if (step.what == "patch_embed") tokens = step.shape.numel() / step.shape[-1];
      if (step.what == "tokens and positions") tokens = step.shape[0];
    }
    std::set<std::pair<int64_t, int64_t>> shapes;  // each once
    for (const Product& product : model->products()) {
      const Tensor& w = infer::parameter(*model, product.weight);
      shapes.insert({w.size(0), w.numel() / w.size(0)});
    }
    for (const auto& [N, K] : shapes)
      for (const int64_t M : {int64_t{1}, int64_t{8}, tokens, 8 * tokens}) check(M, N, K);
  }
}

// Every kind of layer that has products gives nearly the same logits in whole numbers, and the same with its channels
// scaled: a norm may be changed only for the product that alone reads it.
TEST(Products, AreQuantisedAndSmoothedRightly) {
  const char* const tiny =
      R"({"family": "vit", "img_size": 16, "patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2, "num_classes": 5})";
  const Settings variants[] = {{{"distilled", "true"}, {"patch_norm", "true"}},
                               {{"mlp_layer", "swiglu"}},
                               {{"mlp_layer", "swiglu_packed"}, {"attn_proj_bias", "false"}},
                               {{"global_pool", "map"}},
                               {{"global_pool", "map"}, {"fc_norm", "true"}, {"rel_pos_type", "mlp"}},
                               {{"global_pool", "none"}}};
  std::vector<std::string> architectures = {
      R"({"family": "swin", "img_size": 16, "patch_size": 2, "embed_dim": 32, "depths": [2, 2], "num_heads": [2, 4], )"
      R"("window_size": 3, "num_classes": 5})"};
  for (const Settings& settings : variants) architectures.push_back(with_settings(tiny, settings));
  const Tensor images = test::normal({3, 16, 16, 3}, "pictures");
  const ops::NoGrad no_grad;
  for (const std::string& architecture : architectures) {
    SCOPED_TRACE(architecture);
    const auto model = build(architecture);
    model->initialise(3);
    for (const nn::Parameter& parameter : model->parameters()) {
      const Tensor noise = test::normal(parameter.tensor->shape(), parameter.name);
      for (int64_t i = 0; i < noise.numel(); ++i) parameter.tensor->data()[i] += 0.2f * noise.data()[i];
    }
    const Tensor logits = model->forward(images);
    const auto difference = [&] {
      const Tensor now = model->forward(images);
      double largest = 0, error = 0;
      for (int64_t i = 0; i < now.numel(); ++i) {
        largest = std::max<double>(largest, std::abs(logits.data()[i]));
        error = std::max<double>(error, std::abs(now.data()[i] - logits.data()[i]));
      }
      return error / largest;
    };
    infer::InputRanges ranges;
    infer::observe(*model, images, ranges);
    infer::smooth(*model, ranges);
    EXPECT_LE(difference(), 2e-5) << "smoothed";
    infer::quantise(*model, model->products());
    const double error = difference();
    EXPECT_LE(error, 0.1) << "quantised";
    EXPECT_GT(error, 1e-6);
  }
}

}  // namespace
}  // namespace tessera::models
