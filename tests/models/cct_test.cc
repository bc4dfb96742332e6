// Compact Transformers against the authors' definitions.
#include "tessera/models/registry.h"
#include "tests/models/golden_net.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

// The authors' constructor call as an architecture of ours.
std::string architecture_from(const std::string& name) {
  const nlohmann::json theirs = test::read_golden_case(test::golden_path("models/" + name + ".json")).architecture;
  nlohmann::json ours = {{"family", "cct"}};
  const std::pair<const char*, const char*> keys[] = {
      {"img_size", "img_size"},         {"in_chans", "in_chans"},       {"embedding_dim", "embed_dim"},
      {"n_conv_layers", "conv_layers"}, {"kernel_size", "kernel_size"}, {"stride", "stride"},
      {"padding", "padding"},           {"in_planes", "conv_width"},    {"num_layers", "depth"},
      {"num_heads", "num_heads"},       {"mlp_ratio", "mlp_ratio"},     {"num_classes", "num_classes"},
      {"norm_eps", "norm_eps"},         {"seq_pool", "seq_pool"}};
  for (const auto& [from, to] : keys) ours[to] = theirs.at(from);
  ours["pos_embed"] = theirs["positional_embedding"] == "sine" ? "sine" : "learn";
  return ours.dump();
}

test::GoldenNet net_of(const std::string& name) {
  return test::golden_net(name, architecture_from(name), true, [](const std::string& theirs) {
    return theirs.starts_with("blocks.") || theirs == "attention_pool" ? "classifier." + theirs : theirs;
  });
}

class GoldenCct : public testing::TestWithParam<const char*> {};

TEST_P(GoldenCct, AgreesWithItsOriginal) {
  test::GoldenNet net = net_of(GetParam());
  test::expect_outputs(net);
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenCct, testing::Values("tiny_cct", "tiny_cct_sine", "cct_2_3x2_32", "cct_7_3x1_32"),
                         [](const auto& info) { return std::string(info.param); });

TEST(Cct, HasTheOriginalsGradients) {
  test::GoldenNet net = net_of("tiny_cct");
  test::expect_gradients(net);
}

}  // namespace
}  // namespace tessera::models
