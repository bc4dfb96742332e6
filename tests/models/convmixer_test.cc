// ConvMixer against timm's.
#include "tessera/models/registry.h"
#include "tests/models/golden_net.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

// timm's constructor call as an architecture of ours.
std::string architecture_from(const std::string& name) {
  const nlohmann::json timm = test::read_golden_case(test::golden_path("models/" + name + ".json")).architecture;
  if (timm.contains("call")) return architecture_of(name);
  nlohmann::json ours = {{"family", "convmixer"}};
  for (const char* key : {"img_size", "dim", "depth", "kernel_size", "patch_size", "num_classes"})
    ours[key] = timm[key];
  if (timm["act"] == "ReLU") ours["act"] = "relu";
  return ours.dump();
}

class GoldenConvMixer : public testing::TestWithParam<const char*> {};

TEST_P(GoldenConvMixer, AgreesWithTimm) {
  test::GoldenNet net = test::golden_net(GetParam(), architecture_from(GetParam()));
  test::expect_outputs(net);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenConvMixer,
                         testing::Values("tiny_convmixer", "tiny_convmixer_relu", "convmixer_768_32"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ConvMixer, HasTimmsGradientsAndStatistics) {
  test::GoldenNet net = test::golden_net("tiny_convmixer", architecture_from("tiny_convmixer"));
  test::expect_gradients(net);
}

}  // namespace
}  // namespace tessera::models
