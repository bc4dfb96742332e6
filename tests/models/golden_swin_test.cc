// The Swin Transformer against the outputs of timm: logits and every intermediate within the case's strict bound,
// gradients, parameters exactly.
#include <gtest/gtest.h>

#include "tessera/models/registry.h"
#include "tests/models/golden_net.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

// The constructor's arguments in a case's description, under our names, which are timm's.
std::string architecture_of_case(const std::string& name) {
  const test::GoldenCase golden = test::read_golden_case(test::golden_path("models/" + name + ".json"));
  nlohmann::json architecture = {{"family", "swin"}};
  for (const char* key : {"img_size", "patch_size", "embed_dim", "depths", "num_heads", "num_classes", "window_size"})
    if (golden.architecture.contains(key)) architecture[key] = golden.architecture[key];
  return architecture.dump();
}

class GoldenSwin : public testing::TestWithParam<const char*> {};

TEST_P(GoldenSwin, LogitsIntermediatesAndParameters) {
  const std::string name = GetParam();
  test::GoldenNet net = test::golden_net(name, architecture_of_case(name), /*maps_are_nchw=*/false);
  test::expect_outputs(net);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenSwin,
                         testing::Values("tiny_swin_w4_64", "tiny_swin_w7_56", "tiny_swin_pad", "tiny_swin_eps"),
                         [](const auto& info) { return std::string(info.param); });

TEST(GoldenSwinNames, SwinTiny) {
  const char* const name = "swin_tiny_patch4_window7_224";
  test::GoldenNet net = test::golden_net(name, architecture_of(name), /*maps_are_nchw=*/false);
  test::expect_outputs(net);
}

TEST(GoldenSwinGradients, OfEveryParameterAndOfThePicture) {
  test::GoldenNet net = test::golden_net("tiny_swin_w4_64", architecture_of_case("tiny_swin_w4_64"), false);
  test::expect_gradients(net);
}

// Keeping nothing within blocks changes no gradient.
TEST(GoldenSwinGradients, RecomputedAreTheSame) {
  test::GoldenNet net = test::golden_net("tiny_swin_w4_64", architecture_of_case("tiny_swin_w4_64"), false);
  net.model->set_recompute(true);
  test::expect_gradients(net);
}

}  // namespace
}  // namespace tessera::models
