#include "tessera/nn/patch_embed.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tessera/ops/conv2d.h"

namespace tessera::nn {
namespace {

// The same tokens as the strided convolution that checkpoints store, where the patch does not divide the picture too.
TEST(PatchEmbed, EqualsTheStridedConvolution) {
  for (const auto& [H, W, Ph, Pw] : {std::array<int64_t, 4>{16, 24, 8, 4}, {19, 18, 5, 4}, {7, 7, 7, 7}}) {
    PatchEmbed embed({.channels = 3, .patch_height = Ph, .patch_width = Pw, .D = 10});
    embed.initialise(1);
    Tensor x = Tensor::empty({2, H, W, 3});
    Random random(2, "x");
    for (float& value : x.span()) value = static_cast<float>(random.normal());
    const Tensor tokens = embed.forward(x);  // (2, N, 10)
    const std::vector<Parameter> parameters = embed.parameters();
    const Tensor map =
        ops::conv2d(x, *parameters[0].tensor, *parameters[1].tensor, {.stride = {Ph, Pw}});  // (2, h, w, 10)
    ASSERT_EQ(tokens.shape(), (Shape{2, (H / Ph) * (W / Pw), 10}));
    ASSERT_EQ(map.numel(), tokens.numel());
    for (int64_t i = 0; i < map.numel(); ++i) EXPECT_NEAR(tokens.data()[i], map.data()[i], 2e-5);
  }
}

}  // namespace
}  // namespace tessera::nn
