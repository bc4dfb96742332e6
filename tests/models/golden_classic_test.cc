// LeNet-5, AlexNet, ZFNet, VGG and ResNet against the outputs of their originals.
#include <ostream>

#include "tessera/models/registry.h"
#include "tests/models/golden_net.h"

namespace tessera::test {
namespace {

struct Case {
  const char *name, *model;
  models::Settings settings = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

// LeNet's activations have the names of their layers here.
std::string our_name(const std::string& theirs) { return theirs == "act3" ? "fc1" : theirs == "act4" ? "fc2" : theirs; }

class GoldenClassic : public testing::TestWithParam<Case> {};

TEST_P(GoldenClassic, EqualsTheOriginal) {
  const auto& [name, model, settings] = GetParam();
  GoldenNet net = golden_net(name, models::with_settings(models::architecture_of(model), settings), true, our_name);
  expect_outputs(net);
  if (net.golden.gradients) expect_gradients(net);
}

const models::Settings kTinyZfNet = {{"channels", "12,32,48,48,32"}, {"hidden", "64,64"}, {"num_classes", "10"}};

const models::Settings kTinyResNeXt = {{"layers", "2,1"},         {"width", "16"},      {"groups", "4"},
                                       {"width_per_group", "16"}, {"num_classes", "5"}, {"img_size", "36,28"}};

INSTANTIATE_TEST_SUITE_P(Cases, GoldenClassic,
                         testing::Values(Case{"lenet5_tanh", "lenet5"},
                                         Case{"lenet5_sigmoid", "lenet5", {{"act", "sigmoid"}}},
                                         Case{"alexnet", "alexnet"}, Case{"tiny_zfnet", "zfnet", kTinyZfNet},
                                         Case{"zfnet", "zfnet"}, Case{"vgg11", "vgg11"}, Case{"vgg16_bn", "vgg16_bn"},
                                         Case{"resnet18", "resnet18"}, Case{"resnet34", "resnet34"},
                                         Case{"tiny_resnext", "resnet50", kTinyResNeXt},
                                         Case{"resnext50_32x4d", "resnext50_32x4d"}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tessera::test
