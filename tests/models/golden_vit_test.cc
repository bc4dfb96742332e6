// The Vision Transformer against the outputs of timm and PyTorch: logits and every intermediate within the case's
// strict bound, gradients within 1e-4 of the largest, parameters exactly.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>

#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/nn/positions.h"
#include "tessera/ops/cross_entropy.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

using test::GoldenCase;

// vit-pytorch's constructor call as an architecture of ours.
std::string architecture_from_lucidrains(const GoldenCase& golden) {
  const nlohmann::json& theirs = golden.architecture;
  nlohmann::json ours = {{"family", "vit"}, {"qkv_bias", false}, {"patch_norm", true}};
  const std::pair<const char*, const char*> keys[] = {
      {"image_size", "img_size"}, {"patch_size", "patch_size"}, {"num_classes", "num_classes"},
      {"dim", "embed_dim"},       {"depth", "depth"},           {"heads", "num_heads"},
      {"dim_head", "head_dim"},   {"norm_eps", "norm_eps"}};
  for (const auto& [from, to] : keys) ours[to] = theirs[from];
  ours["mlp_ratio"] = theirs["mlp_dim"].get<double>() / theirs["dim"].get<double>();
  const bool simple = theirs["class"] == "vit_pytorch.SimpleViT";
  if (simple) ours.update({{"pos_embed", "sincos_2d"}, {"attn_proj_bias", false}});
  if (simple || theirs["pool"] == "mean")
    ours.update({{"class_token", false}, {"global_pool", "avg"}, {"fc_norm", false}});
  return ours.dump();
}

// timm's constructor call as an architecture of ours: the keys have the same names, the rest of the JSON is prose.
std::string architecture_from(const GoldenCase& golden) {
  const nlohmann::json& timm = golden.architecture;
  nlohmann::json ours = {{"family", "vit"}};
  if (timm.contains("call")) return architecture_of(golden.name);
  if (golden.origin == "lucidrains") return architecture_from_lucidrains(golden);
  for (const char* key :
       {"img_size",    "patch_size",  "embed_dim",   "depth",        "num_heads",   "num_classes",    "mlp_ratio",
        "qkv_bias",    "global_pool", "class_token", "fc_norm",      "reg_tokens",  "no_embed_class", "qk_norm",
        "init_values", "pre_norm",    "pos_embed",   "rel_pos_type", "rel_pos_dim", "shared_rel_pos", "norm_eps"})
    if (timm.contains(key)) ours[key] = timm[key];
  if (timm.value("class", "").find("MAE") != std::string::npos) ours["pos_embed"] = "sincos_2d_mae";
  if (const auto backbone = timm.find("backbone"); backbone != timm.end()) {
    ours["backbone"] = "resnetv2";
    ours["backbone_layers"] = (*backbone)["layers"];
    ours["backbone_channels"] = (*backbone)["channels"];
    ours["backbone_stem"] = (*backbone)["stem_chs"];
  }
  ours["distilled"] = timm.value("class", "") == "timm VisionTransformerDistilled";
  if (timm.contains("mlp_layer")) ours["mlp_layer"] = timm["mlp_layer"] == "SwiGLU" ? "swiglu" : "swiglu_packed";
  if (timm.contains("dim_feedforward")) {  // torch.nn.TransformerEncoderLayer
    ours["mlp_ratio"] = timm["dim_feedforward"].get<double>() / timm["embed_dim"].get<double>();
    ours["norm_position"] = "post";
    ours["final_norm"] = false;
    if (timm["activation"] == "relu") ours["act"] = "relu";
  }
  if (timm.contains("rel_pos_type")) {
    ours["pos_embed"] = "none";
    if (!timm.contains("class_token")) ours["class_token"] = false;
    if (!timm.contains("global_pool")) ours["global_pool"] = "avg";
    if (!timm.contains("fc_norm")) ours["fc_norm"] = false;
  }
  return ours.dump();
}

// The names of torch.nn.TransformerEncoderLayer and of vit-pytorch under ours.
std::string our_name(const GoldenCase& golden, std::string name) {
  using Rules = std::vector<std::pair<const char*, const char*>>;
  static const Rules torch = {{"layers\\.", "blocks."},
                              {"self_attn\\.in_proj_", "attn.qkv."},
                              {"self_attn\\.out_proj", "attn.proj"},
                              {"linear1", "mlp.fc1"},
                              {"linear2", "mlp.fc2"},
                              {"patch_embed\\.(weight|bias)", "patch_embed.proj.$1"}};
  static const Rules lucidrains = {{"to_patch_embedding\\.1", "patch_embed.norm1"},
                                   {"to_patch_embedding\\.2", "patch_embed.proj"},
                                   {"to_patch_embedding\\.3", "patch_embed.norm2"},
                                   {"pos_embedding", "pos_embed"},
                                   {"transformer\\.norm", "norm"},
                                   {"transformer\\.layers\\.(\\d+)\\.", "blocks.$1."},
                                   {"(blocks\\.\\d+)\\.0\\.norm", "$1.norm1"},
                                   {"(blocks\\.\\d+)\\.0\\.to_qkv", "$1.attn.qkv"},
                                   {"(blocks\\.\\d+)\\.0\\.to_out(\\.0)?", "$1.attn.proj"},
                                   {"(blocks\\.\\d+)\\.1\\.net\\.0", "$1.norm2"},
                                   {"(blocks\\.\\d+)\\.1\\.net\\.1", "$1.mlp.fc1"},
                                   {"(blocks\\.\\d+)\\.1\\.net\\.[34]", "$1.mlp.fc2"},
                                   {"(mlp|linear)_head", "head"}};
  const Rules& rules = golden.origin == "lucidrains" ? lucidrains : torch;
  if (golden.origin == "timm") return name.starts_with("backbone.") ? "patch_embed." + name : name;
  for (const auto& [from, to] : rules) name = std::regex_replace(name, std::regex(from), to);
  return name;
}

struct Golden {
  GoldenCase golden;
  std::unique_ptr<Model> model;
  Tensor images;  // (B, H, W, C)

  explicit Golden(const std::string& name)
      : golden(test::read_golden_case(test::golden_path("models/" + name + ".json"))) {
    model = build(architecture_from(golden));
    std::map<std::string, Tensor> tensors;
    for (const test::GoldenTensor& tensor : golden.tensors)
      if (tensor.shape.numel() > 0) tensors[our_name(golden, tensor.name)] = test::golden_tensor(tensor);
    if (golden.origin == "lucidrains")
      for (const char* flat : {"patch_embed.norm1.weight", "patch_embed.norm1.bias", "patch_embed.proj.weight"})
        tensors.at(flat) = channels_first(tensors.at(flat), 3);
    for (const nn::Parameter& parameter : model->parameters()) {
      const auto found = tensors.find(parameter.name);
      if (found == tensors.end()) fail("{} has no tensor '{}'", name, parameter.name);
      *parameter.tensor = found->second.reshape(parameter.tensor->shape());
      tensors.erase(found);
    }
    if (!tensors.empty()) fail("{}: nothing takes '{}'", name, tensors.begin()->first);
    if (golden.origin == "timm") expect_order_of_timm();
    images = infer::channels_last(test::golden_tensor(golden.inputs.at(0)));
  }

  // A state dict's order is part of the interchange: optimizers of PyTorch count their states by it.
  void expect_order_of_timm() const {
    std::vector<std::string> ours, theirs;
    for (const nn::Parameter& parameter : model->parameters()) ours.push_back(parameter.name);
    for (const test::GoldenTensor& tensor : golden.tensors) theirs.push_back(tensor.name);
    EXPECT_EQ(ours, theirs);
  }

  // The last axis, (pixels, C) -> (C, pixels), where vit-pytorch flattens patches the other way.
  static Tensor channels_first(const Tensor& x, int64_t C) {
    const int64_t K = x.size(-1), pixels = K / C;
    Tensor y = Tensor::empty(x.shape());
    for (int64_t i = 0; i < x.numel(); ++i) y.data()[i / K * K + i % C * pixels + i % K / C] = x.data()[i];
    return y;
  }
};

// The expected intermediate in our layout: a convolution's (B, D, h, w) map as tokens (B, h·w, D).
formats::Array as_tokens(const formats::Array& array) {
  if (array.shape.rank() != 4 || array.shape[0] == 1) return array;
  const std::vector<float> values = formats::to_f32(array);
  const Tensor x = infer::channels_last(Tensor::from(array.shape, std::span<const float>(values)));
  return formats::array_of(std::vector<float>(x.span().begin(), x.span().end()),
                           {array.shape[0], array.shape[2] * array.shape[3], array.shape[1]});
}

class GoldenVit : public testing::TestWithParam<const char*> {};

TEST_P(GoldenVit, LogitsIntermediatesAndParameters) {
  const Golden c(GetParam());
  EXPECT_EQ(c.model->num_parameters(), c.golden.parameters);
  const ops::NoGrad no_grad;
  EXPECT_LE(test::relative_error(c.model->forward(c.images).span(), formats::at(c.golden.expect, "logits")),
            c.golden.strict_rel)
      << "logits, nothing tapped";

  // Again with everything tapped: the layers then take their branches apart.
  const ops::Taps taps([](const std::string& name) { return name.find("probabilities") == std::string::npos; });
  const Tensor logits = c.model->forward(c.images);
  for (const auto& [name, expected] : c.golden.expect) {
    if (name.starts_with("pos_embed")) continue;  // fixed tables, see below
    const Tensor ours = name == "logits"         ? logits
                        : name == "rel_pos_bias" ? taps.at("blocks.0.attn.rel_pos")
                                                 : taps.at(our_name(c.golden, name));
    EXPECT_LE(test::relative_error(ours.span(), as_tokens(expected)), c.golden.strict_rel) << name;
  }
}

TEST(GoldenPositions, FixedTables) {
  const GoldenCase simple = test::read_golden_case(test::golden_path("models/tiny_simplevit.json"));
  EXPECT_LE(test::relative_error(nn::sincos_2d(4, 5, 48, nn::Frequencies::closed).span(),
                                 formats::at(simple.expect, "pos_embedding")),
            1e-7);
  const GoldenCase mae = test::read_golden_case(test::golden_path("models/tiny_vit_mae_sincos.json"));
  std::vector<float> with_class_token(48, 0.0f);
  const Tensor table = nn::sincos_2d(4, 4, 48, nn::Frequencies::open);
  with_class_token.insert(with_class_token.end(), table.span().begin(), table.span().end());
  EXPECT_LE(test::relative_error(with_class_token, formats::at(mae.expect, "pos_embed")), 1e-7);
}

class GoldenVitGradients : public testing::TestWithParam<const char*> {};

TEST_P(GoldenVitGradients, OfEveryParameterAndOfThePicture) {
  Golden c(GetParam());
  for (const nn::Parameter& parameter : c.model->parameters()) parameter.tensor->set_requires_grad();
  c.images.set_requires_grad();
  const auto& labels = c.golden.gradients->labels;
  const Tensor loss = ops::cross_entropy(c.model->forward(c.images), Tensor::from({static_cast<int64_t>(labels.size())},
                                                                                  std::span<const int64_t>(labels)));
  EXPECT_LE(test::relative_error(loss.span(), formats::at(c.golden.gradients->expect, "loss")), 1e-5);
  ops::backward(loss);

  std::map<std::string, Tensor> gradients;
  gradients["grad.input"] = c.images.grad();
  for (const nn::Parameter& parameter : c.model->parameters())
    gradients["grad." + parameter.name] = parameter.tensor->grad();
  double largest = 0;
  for (const auto& [name, expected] : c.golden.gradients->expect)
    if (name.compare(0, 5, "grad.") == 0)
      for (float value : formats::to_f32(expected)) largest = std::max<double>(largest, std::abs(value));
  for (const auto& [name, expected] : c.golden.gradients->expect) {
    if (name.compare(0, 5, "grad.") != 0) continue;
    Tensor ours = gradients.at(our_name(c.golden, name));
    formats::Array array = expected;
    if (name == "grad.input") {
      const std::vector<float> values = formats::to_f32(expected);
      const Tensor x = infer::channels_last(Tensor::from(expected.shape, std::span<const float>(values)));
      array = formats::array_of(std::vector<float>(x.span().begin(), x.span().end()), x.shape());
    }
    const std::vector<float> reference = formats::to_f32(array);
    ASSERT_EQ(ours.numel(), static_cast<int64_t>(reference.size())) << name;
    double own = 0, error = 0;
    for (size_t i = 0; i < reference.size(); ++i) {
      own = std::max<double>(own, std::abs(reference[i]));
      error = std::max<double>(error, std::abs(ours.data()[i] - reference[i]));
    }
    // Relative to the tensor's own largest; a gradient that is zero but for rounding (key biases) against them all.
    EXPECT_LE(error, c.golden.gradients->tolerance_rel * std::max(own, 1e-3 * largest)) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, GoldenVit,
    testing::Values("tiny_vit_cls", "tiny_vit_eps", "tiny_vit_avg_fcnorm", "tiny_vit_nocls_avg",
                    "tiny_vit_gap_norm_first", "tiny_vit_reg4", "tiny_vit_reg4_noembed", "tiny_vit_qknorm",
                    "tiny_vit_layerscale", "tiny_vit_prenorm", "tiny_vit_noqkvbias", "tiny_vit_nopos",
                    "tiny_vit_nonsquare", "tiny_vit_nonsquare_patch", "tiny_postnorm_gelu", "tiny_postnorm_relu",
                    "tiny_postnorm_eps", "tiny_relpos_bias", "tiny_relpos_bias_cls", "tiny_relpos_mlp",
                    "tiny_relpos_mlp_cls", "tiny_relpos_shared", "tiny_deit_distilled", "tiny_vit_swiglu",
                    "tiny_vit_swiglu_packed", "tiny_vit_map", "tiny_vit_mae_sincos", "tiny_lucidrains_vit",
                    "tiny_lucidrains_vit_mean", "tiny_simplevit", "vit_tiny_patch16_224", "vit_small_patch16_224",
                    "vit_small_patch16_384", "vit_base_patch32_224", "deit_small_distilled_patch16_224",
                    "vit_relpos_small_patch16_224", "tiny_hybrid", "vit_small_r26_s32_224"),
    [](const auto& info) { return std::string(info.param); });

INSTANTIATE_TEST_SUITE_P(Cases, GoldenVitGradients,
                         testing::Values("tiny_vit_cls", "tiny_postnorm_gelu", "tiny_hybrid"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace tessera::models
