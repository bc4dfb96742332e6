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

// Blocks that are computed again in backward count their batch once.
TEST(ConvMixer, RecomputesToTheSameGradientsAndStatistics) {
  test::GoldenNet net = test::golden_net("tiny_convmixer", architecture_from("tiny_convmixer"));
  net.model->set_recompute(true);
  test::expect_gradients(net);
}

Shapes shapes_of(Model& model) {
  Shapes shapes;
  for (const nn::Parameter& parameter : model.state()) shapes[parameter.name] = parameter.tensor->shape();
  return shapes;
}

// What shapes do not tell, activation and size of the pictures, is taken from the registered model of these extents.
TEST(ConvMixer, IsToldFromShapes) {
  for (const char* name : {"convmixer_768_32", "convmixer_1024_20_ks9_p14", "convmixer_256_8_cifar"}) {
    const auto model = build(architecture_of(name));
    const Inferred inferred = infer(shapes_of(*model));
    EXPECT_EQ(build(inferred.architecture)->architecture(), model->architecture()) << name;
    EXPECT_TRUE(inferred.assumed.empty()) << name;
  }
  const auto model =
      build(R"({"family": "convmixer", "dim": 8, "depth": 2, "kernel_size": 4, "patch_size": 3, "in_chans": 2,
                               "num_classes": 0, "act": "silu", "img_size": 12})");
  const Inferred inferred = infer(shapes_of(*model), R"({"act": "silu"})");
  EXPECT_EQ(inferred.assumed.size(), 1u) << "the size of the pictures";
  const auto told = nlohmann::json::parse(inferred.architecture);
  EXPECT_EQ(build(with_settings(inferred.architecture, {{"act", "silu"}, {"img_size", "12"}}))->architecture(),
            model->architecture());
}

TEST(ConvMixer, RefusesWhatCannotBe) {
  const auto error = [](const Settings& settings) {
    return test::error_of([&] { build(with_settings(architecture_of("convmixer_256_8_cifar"), settings)); });
  };
  EXPECT_NE(error({{"patch_size", "33"}}).find("patch_size 33 is larger than img_size 32x32"), std::string::npos);
  EXPECT_NE(error({{"act", "rely"}}).find("relu"), std::string::npos);
}

}  // namespace
}  // namespace tessera::models
