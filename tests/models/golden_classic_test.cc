// LeNet-5, AlexNet, ZFNet, VGG and ResNet against the outputs of their originals.
#include "tessera/models/registry.h"
#include "tests/models/golden_net.h"

namespace tessera::test {
namespace {

class GoldenClassic : public testing::TestWithParam<const char*> {};

TEST_P(GoldenClassic, EqualsTheOriginal) {
  GoldenNet net = golden_net(GetParam(), models::architecture_of(GetParam()));
  expect_outputs(net);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenClassic, testing::Values("resnet18", "resnet34", "resnext50_32x4d"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tessera::test
