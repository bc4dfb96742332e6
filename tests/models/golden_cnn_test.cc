// GoogLeNet, DenseNet, MobileNetV2 and EfficientNet against torchvision's outputs.
#include "tests/models/golden_net.h"

#include "tessera/models/registry.h"

namespace tessera::test {
namespace {

class GoldenCnn : public testing::TestWithParam<const char*> {};

TEST_P(GoldenCnn, EqualsTheOriginal) {
  GoldenNet net = golden_net(GetParam(), models::architecture_of(GetParam()));
  expect_outputs(net);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenCnn,
                         testing::Values("googlenet", "densenet121", "mobilenet_v2", "efficientnet_b0"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tessera::test
