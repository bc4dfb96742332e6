// GoogLeNet, DenseNet, MobileNetV2 and EfficientNet against torchvision's outputs and gradients.
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

// In training mode, with what the running statistics became.
struct Tiny {
  const char *name, *architecture;
};
class TinyCnn : public testing::TestWithParam<Tiny> {};

TEST_P(TinyCnn, EqualsTheOriginalAndItsGradients) {
  GoldenNet net = golden_net(GetParam().name, GetParam().architecture);
  expect_outputs(net);
  expect_gradients(net);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TinyCnn,
    testing::Values(Tiny{"tiny_googlenet", R"({"family": "googlenet", "aux_logits": true, "transform_input": true,
                                               "dropout": 0, "dropout_aux": 0, "num_classes": 10, "img_size": 64})"},
                    Tiny{"tiny_densenet", R"({"family": "densenet", "growth_rate": 8, "block_config": [3, 2],
                                              "num_init_features": 16, "bn_size": 2, "num_classes": 10,
                                              "img_size": 64})"},
                    Tiny{"tiny_mobilenet_v2", R"({"family": "mobilenet_v2", "width_mult": 0.1, "dropout": 0,
                                                  "num_classes": 10, "img_size": 96})"},
                    Tiny{"tiny_efficientnet", R"({"family": "efficientnet", "width_mult": 0.1, "depth_mult": 0.5,
                                                  "dropout": 0, "stochastic_depth_prob": 0, "num_classes": 10,
                                                  "img_size": 96})"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tessera::test
