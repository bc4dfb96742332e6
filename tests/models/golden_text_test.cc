// The text encoder and masked attention against PyTorch's: logits and every intermediate within the case's strict
// bound, gradients within the case's, parameters exactly; and what padding must not do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tessera/formats/safetensors.h"
#include "tessera/models/text_encoder.h"
#include "tessera/ops/attention.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/weights/model_file.h"
#include "tests/golden_model.h"
#include "tests/support.h"
#include "tests/tensors.h"

namespace tessera::models {
namespace {

using test::GoldenCase;
using test::GoldenTensor;

GoldenCase golden_case(const std::string& name) {
  return test::read_golden_case(test::golden_path("models/" + name + ".json"));
}

const GoldenTensor& input(const GoldenCase& golden, const std::string& name) {
  return *std::find_if(golden.inputs.begin(), golden.inputs.end(),
                       [&](const GoldenTensor& tensor) { return tensor.name == name; });
}

Tensor ids_of(const GoldenCase& golden) {
  const std::vector<float> values = input(golden, "input_ids").values;
  return Tensor::from(input(golden, "input_ids").shape,
                      std::span<const int64_t>(std::vector<int64_t>(values.begin(), values.end())));
}

Tensor mask_of(const GoldenTensor& given) {
  const Tensor mask = Tensor::empty(given.shape, DType::u8);
  std::copy(given.values.begin(), given.values.end(), mask.data<uint8_t>());
  return mask;
}

// As the shapes tell, but for what leaves no trace in them.
Settings what_shapes_do_not_tell(const GoldenCase& golden) {
  const nlohmann::json& theirs = golden.architecture;
  return {{"num_heads", theirs["num_heads"].dump()},
          {"norm_eps", theirs["norm_eps"].dump()},
          {"act", theirs["activation"] == "relu" ? "relu" : "gelu_erf"}};
}

// The case's weights in a file under PyTorch's names, read as any such file is.
std::unique_ptr<TextEncoder> text_encoder(const GoldenCase& golden) {
  const test::TemporaryFolder folder;
  formats::NamedArrays arrays;
  for (const GoldenTensor& tensor : golden.tensors)
    arrays.emplace_back(tensor.name, formats::array_of(test::golden_values(tensor), tensor.shape));
  formats::write_safetensors(folder / "torch.safetensors", arrays);
  auto loaded = weights::load_model(folder / "torch.safetensors", {.set = what_shapes_do_not_tell(golden)});
  EXPECT_EQ(loaded.origin, "torch");
  auto* encoder = dynamic_cast<TextEncoder*>(loaded.model.release());
  if (!encoder) fail("{} is no text encoder", golden.name);
  return std::unique_ptr<TextEncoder>(encoder);
}

std::string ours(std::string name) {
  const std::pair<const char*, const char*> parts[] = {{"self_attn.in_proj_", "attn.qkv."},
                                                       {"self_attn.out_proj", "attn.proj"},
                                                       {"linear1", "mlp.fc1"},
                                                       {"linear2", "mlp.fc2"}};
  for (const auto& [theirs, own] : parts)
    if (const size_t at = name.find(theirs); at != std::string::npos) name.replace(at, std::strlen(theirs), own);
  return name;
}

class GoldenText : public testing::TestWithParam<const char*> {};

TEST_P(GoldenText, EqualsTheOriginal) {
  const GoldenCase golden = golden_case(GetParam());
  const auto model = text_encoder(golden);
  EXPECT_EQ(model->num_parameters(), golden.parameters);
  const Tensor ids = ids_of(golden), valid = mask_of(input(golden, "valid"));
  const ops::NoGrad no_grad;
  EXPECT_LE(test::relative_error(model->forward(ids, valid).span(), formats::at(golden.expect, "logits")),
            golden.strict_rel);
  const ops::Taps taps;
  const Tensor logits = model->forward(ids, valid);
  for (const auto& [name, expected] : golden.expect)
    EXPECT_LE(test::relative_error((name == "logits" ? logits : taps.at(name)).span(), expected), golden.strict_rel)
        << name;
}

class GoldenTextGradients : public testing::TestWithParam<const char*> {};

TEST_P(GoldenTextGradients, EqualTheOriginals) {
  const GoldenCase golden = golden_case(GetParam());
  ASSERT_TRUE(golden.gradients);
  const auto model = text_encoder(golden);
  for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
  for (const bool recompute : {false, true}) {
    model->set_recompute(recompute);
    for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->gradient()->written = false;
    const Tensor logits = model->forward(ids_of(golden), mask_of(input(golden, "valid")));
    const auto& labels = golden.gradients->labels;
    const Tensor loss = ops::cross_entropy(
        logits, Tensor::from({static_cast<int64_t>(labels.size())}, std::span<const int64_t>(labels)));
    EXPECT_LE(test::relative_error(loss.span(), formats::at(golden.gradients->expect, "loss")), 1e-5);
    ops::backward(loss);
    size_t compared = 0;
    for (const nn::Parameter& parameter : model->parameters()) {
      for (const auto& [name, expected] : golden.gradients->expect) {
        if (!name.starts_with("grad.") || ours(name.substr(5)) != parameter.name) continue;
        EXPECT_LE(test::relative_error(parameter.tensor->grad().span(), expected), golden.gradients->tolerance_rel)
            << name;
        ++compared;
      }
    }
    EXPECT_EQ(compared, model->parameters().size());
  }
}

TEST_P(GoldenText, PaddingChangesNoBit) {
  const GoldenCase golden = golden_case(GetParam());
  const auto model = text_encoder(golden);
  const Tensor ids = ids_of(golden), valid = mask_of(input(golden, "valid"));
  const ops::NoGrad no_grad;
  const Tensor expected = model->forward(ids, valid);
  for (const int64_t filler : {int64_t{7}, int64_t{49}, int64_t{-100}, int64_t{1} << 40}) {
    const Tensor other = ids.clone();
    for (int64_t i = 0; i < ids.numel(); ++i)
      if (!valid.data<uint8_t>()[i]) other.data<int64_t>()[i] = filler;
    const Tensor logits = model->forward(other, valid);
    EXPECT_EQ(std::memcmp(logits.raw(), expected.raw(), logits.bytes()), 0) << filler;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, GoldenText, testing::Values("tiny_text_gelu", "tiny_text_relu"),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Cases, GoldenTextGradients, testing::Values("tiny_text_gelu"),
                         [](const auto& info) { return std::string(info.param); });

// q, k, v (B, heads, N, d) -> (B, N, heads·d), or back
Tensor swap_heads(const Tensor& x, int64_t before, int64_t after) {
  const int64_t B = x.size(0), d = x.numel() / (B * before * after);
  const Tensor y = Tensor::empty({B, after, before, d});
  for (int64_t b = 0; b < B; ++b)
    for (int64_t i = 0; i < before; ++i)
      for (int64_t j = 0; j < after; ++j)
        std::copy_n(x.data() + ((b * before + i) * after + j) * d, d, y.data() + ((b * after + j) * before + i) * d);
  return y;
}

TEST(GoldenAttention, EqualsPyTorchsWithAMask) {
  const GoldenCase golden = golden_case("tiny_sdpa_mask");
  const auto tokens = [&](const char* name) {
    const Tensor x = test::golden_tensor(input(golden, name));
    const int64_t heads = x.size(1), N = x.size(2);
    return swap_heads(x, heads, N).reshape({x.size(0), N, heads * x.size(3)});
  };
  ops::AttentionOptions options;
  options.heads = golden.architecture["heads"].get<int64_t>();
  options.scale = 1 / std::sqrt(golden.architecture["head_dim"].get<float>());
  options.mask = mask_of(input(golden, "mask"));
  options.tap = "probabilities";
  const ops::Taps taps;
  const Tensor q = tokens("q"), y = ops::attention(q, tokens("k"), tokens("v"), options);
  EXPECT_LE(test::relative_error(swap_heads(y, q.size(1), options.heads).span(), formats::at(golden.expect, "logits")),
            golden.strict_rel);
  EXPECT_LE(test::relative_error(taps.at("probabilities").span(), formats::at(golden.expect, "probabilities")),
            golden.strict_rel);
}

}  // namespace
}  // namespace tessera::models
