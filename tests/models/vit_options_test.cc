// Options of the Vision Transformer that no reference model covers, and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <set>

#include "tessera/models/registry.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"
#include "tests/support.h"

namespace tessera::models {
namespace {

const char* const kTiny =
    R"({"family": "vit", "img_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 5})";

std::unique_ptr<Model> tiny(const Settings& settings = {}) {
  std::unique_ptr<Model> model = build(with_settings(kTiny, settings));
  model->initialise(3);
  return model;
}

// Normal numbers in place of every parameter that starts at a constant, so that each of them matters.
void stir(Model& model) {
  for (const nn::Parameter& parameter : model.parameters()) {
    Random random(9, parameter.name);
    for (float& value : parameter.tensor->span()) value += static_cast<float>(0.2 * random.normal());
  }
}

Tensor pictures(int64_t B, int64_t H, int64_t W, int64_t C = 3) {
  Tensor x = Tensor::empty({B, H, W, C});
  Random random(1, "pictures");
  for (float& value : x.span()) value = static_cast<float>(random.normal());
  return x;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  double largest = 0;
  for (int64_t i = 0; i < a.numel(); ++i) largest = std::max<double>(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest;
}

TEST(Vit, CutsOffWhatIsLeftOverThePatches) {
  const auto exact = tiny(), larger = tiny({{"img_size", "[19, 18]"}});
  stir(*exact);
  stir(*larger);
  const Tensor picture = pictures(2, 19, 18);
  Tensor cut = Tensor::empty({2, 16, 16, 3});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t y = 0; y < 16; ++y)
      std::copy_n(picture.data() + ((b * 19 + y) * 18) * 3, 16 * 3, cut.data() + ((b * 16 + y) * 16) * 3);
  EXPECT_EQ(largest_difference(larger->forward(picture), exact->forward(cut)), 0);
}

// Logits and every gradient, once with the last block at work for the class token alone, once for all tokens.
TEST(Vit, LeavesOutWhatDoesNotReachTheHead) {
  const Settings variants[] = {{},
                               {{"reg_tokens", "3"}, {"qk_norm", "true"}},
                               {{"init_values", "0.3"}, {"drop_path_rate", "0.4"}, {"mlp_drop_rate", "0.2"}},
                               {{"norm_position", "post"}, {"qkv_bias", "false"}},
                               {{"rel_pos_type", "bias"}, {"pos_embed", "none"}, {"depth", "1"}},
                               {{"rel_pos_type", "mlp"}, {"rel_pos_dim", "5"}},
                               {{"rel_pos_type", "mlp"}, {"shared_rel_pos", "true"}},
                               {{"distilled", "true"}, {"reg_tokens", "1"}}};
  for (const Settings& settings : variants) {
    const auto model = tiny(settings);
    stir(*model);
    for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
    const Tensor images = pictures(3, 16, 16);
    const ops::TrainingState training(ops::Draws{.seed = 1, .step = 2});
    const Tensor dy = pictures(3, 1, 1, 5).reshape({3, 5});
    const auto gradients = [&](const Tensor& logits) {
      for (const nn::Parameter& parameter : model->parameters()) ops::zero_grad(*parameter.tensor);
      ops::backward(logits, dy);
      std::vector<Tensor> all;
      for (const nn::Parameter& parameter : model->parameters()) all.push_back(parameter.tensor->grad().clone());
      return all;
    };
    const Tensor trimmed = model->forward(images), whole = model->forward_head(model->forward_features(images));
    EXPECT_LE(largest_difference(trimmed, whole), 1e-5);
    const std::vector<Tensor> of_whole = gradients(whole);
    const std::vector<Tensor> of_trimmed = gradients(model->forward(images));
    for (size_t i = 0; i < of_whole.size(); ++i)
      EXPECT_LE(largest_difference(of_trimmed[i], of_whole[i]), 1e-4) << model->parameters()[i].name;
  }
}

// Every parameter's gradient along a random direction against the difference of two forward passes.
TEST(Vit, GradientsAgreeWithDifferences) {
  const Settings variants[] = {{{"rel_pos_type", "mlp"}, {"rel_pos_dim", "6"}, {"global_pool", "avg"}},
                               {{"rel_pos_type", "mlp"}, {"shared_rel_pos", "true"}, {"pos_embed", "none"}},
                               {{"distilled", "true"}},
                               {{"mlp_layer", "swiglu"}},
                               {{"mlp_layer", "swiglu_packed"}},
                               {{"global_pool", "map"}, {"class_token", "false"}},
                               {{"global_pool", "map"}, {"pool_include_prefix", "true"}, {"num_heads", "4"}},
                               {{"global_pool", "avg"}, {"pool_include_prefix", "true"}, {"fc_norm", "false"}},
                               {{"patch_norm", "true"}, {"attn_proj_bias", "false"}}};
  for (const Settings& settings : variants) {
    const auto model = tiny(settings);
    stir(*model);
    for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
    const Tensor images = pictures(2, 16, 16), weights = pictures(2, 1, 1, 5).reshape({2, 5});
    const auto value = [&] {
      const ops::NoGrad no_grad;
      const Tensor logits = model->forward(images);
      return std::inner_product(logits.span().begin(), logits.span().end(), weights.span().begin(), 0.0);
    };
    ops::backward(model->forward(images), weights);
    for (const nn::Parameter& parameter : model->parameters()) {
      const Tensor before = parameter.tensor->clone(), direction = before.clone();
      Random random(4, parameter.name);
      const double length = std::sqrt(static_cast<double>(before.numel()));
      for (float& v : direction.span()) v = static_cast<float>(random.normal() / length);
      const double step = 1e-2;
      const auto at = [&](double distance) {
        for (int64_t i = 0; i < before.numel(); ++i)
          parameter.tensor->data()[i] = before.data()[i] + static_cast<float>(distance) * direction.data()[i];
        return value();
      };
      const double slope = (at(step) - at(-step)) / (2 * step);
      at(0);
      const Tensor gradient = parameter.tensor->grad();
      ASSERT_TRUE(gradient.defined()) << "no gradient of " << parameter.name;
      const double expected =
          std::inner_product(gradient.span().begin(), gradient.span().end(), direction.span().begin(), 0.0);
      EXPECT_NEAR(slope, expected, 1e-3 + 5e-3 * std::abs(expected)) << parameter.name;
    }
  }
}

TEST(Vit, RecomputingGivesTheSameBits) {
  const auto model = tiny({{"drop_path_rate", "0.4"},
                           {"proj_drop_rate", "0.2"},
                           {"attn_drop_rate", "0.1"},
                           {"rel_pos_type", "mlp"},
                           {"shared_rel_pos", "true"}});
  stir(*model);
  for (const nn::Parameter& parameter : model->parameters()) parameter.tensor->set_requires_grad();
  const Tensor images = pictures(3, 16, 16), dy = pictures(3, 1, 1, 5).reshape({3, 5});
  const ops::TrainingState training(ops::Draws{.seed = 1, .step = 2});
  std::vector<Tensor> gradients[2];
  for (const bool recompute : {false, true}) {
    model->set_recompute(recompute);
    for (const nn::Parameter& parameter : model->parameters()) ops::zero_grad(*parameter.tensor);
    ops::backward(model->forward(images), dy);
    for (const nn::Parameter& parameter : model->parameters())
      gradients[recompute].push_back(parameter.tensor->grad().clone());
  }
  for (size_t i = 0; i < gradients[0].size(); ++i)
    EXPECT_EQ(largest_difference(gradients[0][i], gradients[1][i]), 0) << model->parameters()[i].name;
}

TEST(Vit, LearnedTablesAddTheRowAndTheColumn) {
  const auto model = tiny({{"pos_embed", "learn_2d"}, {"img_size", "[12, 16]"}});
  stir(*model);
  const ops::Taps taps;
  model->forward(pictures(1, 12, 16));
  Tensor row, col;
  for (const nn::Parameter& p : model->parameters()) {
    if (p.name == "pos_embed.row") row = *p.tensor;
    if (p.name == "pos_embed.col") col = *p.tensor;
  }
  ASSERT_EQ(row.shape(), (Shape{3, 16}));
  ASSERT_EQ(col.shape(), (Shape{4, 16}));
  const Tensor before = taps.at("patch_embed"), after = taps.at("pos_added");  // (1, 12, D), (1, 13, D)
  for (int64_t patch = 0; patch < 12; ++patch)
    for (int64_t i = 0; i < 16; ++i)
      EXPECT_NEAR(after.data()[(1 + patch) * 16 + i] - before.data()[patch * 16 + i],
                  row.data()[patch / 4 * 16 + i] + col.data()[patch % 4 * 16 + i], 1e-5);
}

TEST(Vit, SineCosinePositionsFollowTheFormula) {
  const auto model = tiny({{"pos_embed", "sincos_2d"}, {"class_token", "false"}, {"global_pool", "avg"}});
  const int64_t with_learned = tiny({{"class_token", "false"}, {"global_pool", "avg"}})->num_parameters();
  EXPECT_EQ(model->num_parameters(), with_learned - 16 * 16) << "fixed positions are no parameters";
  const ops::Taps taps;
  model->forward(pictures(1, 16, 16));
  const Tensor before = taps.at("patch_embed"), after = taps.at("pos_added");
  const auto added = [&](int64_t patch, int64_t i) {
    return after.data()[patch * 16 + i] - before.data()[patch * 16 + i];
  };
  // Patch 6 lies at x = 2, y = 1; D/4 = 4, so ω_1 = 10000^(-1/3).
  const double omega = std::pow(10000.0, -1.0 / 3);
  EXPECT_NEAR(added(6, 1), std::sin(2 * omega), 1e-5);
  EXPECT_NEAR(added(6, 4), std::cos(2.0), 1e-5);
  EXPECT_NEAR(added(6, 9), std::sin(1 * omega), 1e-5);
  EXPECT_NEAR(added(6, 12), std::cos(1.0), 1e-5);
}

TEST(Vit, FixedPositionsOfMaeFollowTheFormula) {
  const auto model = tiny({{"pos_embed", "sincos_2d_mae"}});
  const ops::Taps taps;
  model->forward(pictures(1, 16, 16));
  const Tensor before = taps.at("patch_embed"), after = taps.at("pos_added");  // (1, 16, D), (1, 17, D)
  const auto added = [&](int64_t patch, int64_t i) {
    return after.data()[(1 + patch) * 16 + i] - before.data()[patch * 16 + i];
  };
  // Patch 6 lies at x = 2, y = 1; D/4 = 4, so ω_1 = 10000^(-1/4) = 0.1. The class token gets nothing.
  EXPECT_NEAR(added(6, 1), std::sin(0.2), 1e-5);
  EXPECT_NEAR(added(6, 4), std::cos(2.0), 1e-5);
  EXPECT_NEAR(added(6, 9), std::sin(0.1), 1e-5);
  EXPECT_NEAR(added(6, 12), std::cos(1.0), 1e-5);
  const Tensor class_token = *model->parameters().front().tensor;
  for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(after.data()[i], class_token.data()[i]);
}

// The mean over all tokens is that over the patches, and the class token's part.
TEST(Vit, PoolingMayIncludeThePrefix) {
  const Settings head = {{"global_pool", "avg"}, {"fc_norm", "false"}, {"num_classes", "0"}};
  Settings all = head;
  all.push_back({"pool_include_prefix", "true"});
  const auto patches_only = tiny(head), everything = tiny(all);
  stir(*patches_only);
  stir(*everything);
  const Tensor x = pictures(1, 16, 16), features = everything->forward_features(x);  // (1, 17, D)
  const Tensor of_patches = patches_only->forward(x), of_all = everything->forward(x);
  for (int64_t i = 0; i < 16; ++i)
    EXPECT_NEAR(of_all.data()[i], (16 * of_patches.data()[i] + features.data()[i]) / 17, 1e-5);
}

TEST(Vit, WithoutPoolingEveryTokenHasLogits) {
  const auto model = tiny({{"global_pool", "none"}}), by_token = tiny();
  stir(*model);
  stir(*by_token);
  const Tensor x = pictures(2, 16, 16), all = model->forward(x), of_class = by_token->forward(x);
  ASSERT_EQ(all.shape(), (Shape{2, 17, 5}));
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t k = 0; k < 5; ++k) EXPECT_NEAR(all.data()[b * 17 * 5 + k], of_class.data()[b * 5 + k], 1e-5);
}

TEST(Vit, HasThePretrainingHeadOfThePaper) {
  const auto model = tiny({{"representation_size", "7"}});
  EXPECT_EQ(model->num_parameters(), tiny()->num_parameters() - 16 * 5 + (16 * 7 + 7) + 7 * 5);
  stir(*model);
  EXPECT_EQ(model->forward(pictures(2, 16, 16)).shape(), (Shape{2, 5}));
}

TEST(Vit, HeadWidthNeedNotDivideTheWidth) {
  const auto model = tiny({{"num_heads", "3"}, {"head_dim", "5"}});
  stir(*model);
  EXPECT_EQ(model->forward_features(pictures(2, 16, 16)).shape(), (Shape{2, 17, 16}));
}

TEST(Vit, AStepOfEveryActivationDiffers) {
  std::vector<Tensor> logits;
  for (const char* act : {"gelu_erf", "gelu_tanh", "relu"}) {
    const auto model = tiny({{"act", act}});
    stir(*model);
    logits.push_back(model->forward(pictures(2, 16, 16)));
  }
  EXPECT_GT(largest_difference(logits[0], logits[1]), 1e-6);
  EXPECT_LT(largest_difference(logits[0], logits[1]), 1e-2);
  EXPECT_GT(largest_difference(logits[0], logits[2]), 1e-2);
}

TEST(Vit, EveryKindOfDropoutActsInTrainingAlone) {
  const Tensor x = pictures(4, 16, 16);
  for (const char* rate : {"pos_drop_rate", "attn_drop_rate", "proj_drop_rate", "mlp_drop_rate", "drop_path_rate"}) {
    const auto plain = tiny(), model = tiny({{rate, "0.5"}});
    stir(*plain);
    stir(*model);
    const Tensor expected = plain->forward(x);
    EXPECT_EQ(largest_difference(model->forward(x), expected), 0) << rate;
    const ops::TrainingState training(ops::Draws{1, 2, 0});
    const Tensor dropped = model->forward(x);
    EXPECT_GT(largest_difference(dropped, expected), 1e-3) << rate;
    EXPECT_EQ(largest_difference(model->forward(x), dropped), 0) << rate << ": the same step draws the same";
  }
}

TEST(Vit, PartsOfABatchDrawWhatTheWholeDraws) {
  const auto model =
      tiny({{"proj_drop_rate", "0.3"}, {"attn_drop_rate", "0.3"}, {"drop_path_rate", "0.5"}, {"rel_pos_type", "mlp"}});
  stir(*model);
  const Tensor x = pictures(6, 16, 16);
  Tensor whole;
  {
    const ops::TrainingState training(ops::Draws{1, 2, 0});
    whole = model->forward(x);
  }
  const ops::TrainingState training(ops::Draws{1, 2, 4});
  EXPECT_LT(largest_difference(model->forward(x.rows(4, 2)), whole.rows(4, 2)), 1e-5);
}

TEST(Vit, ItsArchitectureBuildsItAgain) {
  const auto model = tiny({{"qk_norm", "true"},
                           {"init_values", "0.1"},
                           {"reg_tokens", "2"},
                           {"global_pool", "map"},
                           {"mlp_layer", "swiglu"},
                           {"pos_embed", "sincos_2d_mae"},
                           {"rel_pos_type", "mlp"},
                           {"patch_norm", "true"}});
  const auto again = build(model->architecture());
  again->initialise(3);
  stir(*model);
  stir(*again);
  const Tensor x = pictures(2, 16, 16);
  EXPECT_EQ(largest_difference(model->forward(x), again->forward(x)), 0);
  EXPECT_EQ(again->architecture(), model->architecture());
}

Shapes shapes_of(Model& model) {
  Shapes shapes;
  for (const nn::Parameter& parameter : model.parameters()) shapes[parameter.name] = parameter.tensor->shape();
  return shapes;
}

TEST(Vit, ItsShapesTellTheArchitecture) {
  const Settings variants[] = {{{"distilled", "true"}},
                               {{"rel_pos_type", "mlp"}, {"rel_pos_dim", "7"}, {"reg_tokens", "2"}},
                               {{"rel_pos_type", "mlp"}, {"shared_rel_pos", "true"}},
                               {{"mlp_layer", "swiglu"}, {"mlp_ratio", "1.5"}},
                               {{"mlp_layer", "swiglu_packed"}},
                               {{"global_pool", "map"}, {"class_token", "false"}},
                               {{"patch_norm", "true"}, {"qkv_bias", "false"}, {"attn_proj_bias", "false"}},
                               {{"backbone", "resnetv2"}, {"patch_size", "2"}, {"backbone_stem", "32"}},
                               {{"backbone", "resnetv2"},
                                {"patch_size", "1"},
                                {"backbone_layers", "[1, 2]"},
                                {"backbone_channels", "[256, 128]"}}};
  for (const Settings& settings : variants) {
    const auto model = tiny(settings);
    const Shapes shapes = shapes_of(*model);
    const auto twin = build(infer(shapes, R"({"num_heads": 2})").architecture);
    Shapes again = shapes_of(*twin);
    EXPECT_EQ(again.size(), shapes.size()) << settings.front().first;
    for (const auto& [name, shape] : shapes) EXPECT_EQ(to_string(again[name]), to_string(shape)) << name;
  }
}

// A hybrid of a network that is not known is no ViT of some channels.
TEST(Vit, HybridsOfOtherNetworksAreNotTold) {
  const auto model = tiny({{"backbone", "resnetv2"}, {"patch_size", "1"}, {"backbone_layers", "[1]"}});
  Shapes shapes = shapes_of(*model);
  EXPECT_NE(infer(shapes, R"({"num_heads": 2})").architecture, "");
  shapes["patch_embed.backbone.conv1.0.weight"] = shapes.at("patch_embed.backbone.stem.conv.weight");
  shapes.erase("patch_embed.backbone.stem.conv.weight");
  EXPECT_EQ(infer(shapes, R"({"num_heads": 2})").architecture, "");
}

// Each halving of a hybrid's network rounds up.
TEST(Vit, HybridsTakePicturesOfAnySize) {
  const Settings settings = {
      {"backbone", "resnetv2"}, {"patch_size", "1"}, {"backbone_layers", "[1, 1, 1]"}, {"img_size", "[33, 49]"}};
  const auto model = tiny(settings);
  const ops::NoGrad no_grad;
  EXPECT_EQ(model->forward_features(pictures(2, 33, 49)).shape(), (Shape{2, 1 + 3 * 4, 16}));  // ⌈33/16⌉, ⌈49/16⌉
}

TEST(Vit, ShapesAddUpToTheModel) {
  const Settings variants[] = {{{"reg_tokens", "2"}, {"pre_norm", "true"}, {"representation_size", "8"}},
                               {{"distilled", "true"}, {"patch_norm", "true"}, {"mlp_layer", "swiglu"}},
                               {{"rel_pos_type", "mlp"}, {"shared_rel_pos", "true"}, {"global_pool", "map"}},
                               {{"mlp_layer", "swiglu_packed"}, {"global_pool", "none"}},
                               {{"backbone", "resnetv2"}, {"patch_size", "2"}},
                               {{"backbone", "resnetv2"}, {"patch_size", "1"}, {"backbone_layers", "[2, 1]"}}};
  for (const Settings& settings : variants) {
    const auto model = tiny(settings);
    int64_t parameters = 0;
    for (const ShapeStep& step : model->shapes()) parameters += step.parameters;
    EXPECT_EQ(parameters, model->num_parameters());
    std::set<std::string> names;
    for (const nn::Parameter& parameter : model->parameters()) names.insert(parameter.name);
    for (const Product& product : model->products()) {
      EXPECT_EQ(names.count(product.weight), 1u) << product.weight;
      EXPECT_EQ(names.count(product.norm + ".weight"), product.norm.empty() ? 0u : 1u) << product.norm;
    }
  }
  // ViT-B/16: 17.56 G multiply-accumulates, as counted in DeiT's table 5 (17.6).
  EXPECT_NEAR(static_cast<double>(build(architecture_of("vit_base_patch16_224"))->macs()), 17.56e9, 0.03e9);
}

TEST(Vit, RefusesWhatCannotBe) {
  const auto message = [](const Settings& settings) {
    return test::error_of([&] { build(with_settings(kTiny, settings)); });
  };
  EXPECT_NE(message({{"num_heads", "3"}}).find("num_heads 3 does not divide embed_dim 16"), std::string::npos);
  EXPECT_NE(message({{"detph", "3"}}).find("depth"), std::string::npos);
  EXPECT_NE(message({{"patch_size", "17"}}).find("patch_size"), std::string::npos);
  EXPECT_NE(message({{"class_token", "false"}}).find("global_pool"), std::string::npos);
  EXPECT_NE(message({{"act", "gelu"}}).find("gelu_erf"), std::string::npos);
  EXPECT_NE(message({{"distilled", "true"}, {"global_pool", "avg"}}).find("distilled"), std::string::npos);
  EXPECT_NE(message({{"shared_rel_pos", "true"}}).find("rel_pos_type"), std::string::npos);
  EXPECT_NE(message({{"global_pool", "map"}, {"num_heads", "3"}, {"head_dim", "4"}}).find("num_heads 3"),
            std::string::npos);
  EXPECT_NE(message({{"mlp_layer", "swiglu_packed"}, {"mlp_ratio", "0.3125"}}).find("odd"), std::string::npos);
  const auto hybrid = [&](Settings settings) {
    settings.emplace_back("backbone", "resnetv2");
    return message(settings);
  };
  EXPECT_NE(hybrid({{"patch_size", "5"}}).find("patch_size 5x5 is larger than the backbone's output 4x4"),
            std::string::npos);
  EXPECT_NE(hybrid({{"backbone_layers", "[1, 1]"}, {"backbone_channels", "[256]"}}).find("each of the 2 stages"),
            std::string::npos);
  EXPECT_NE(hybrid({{"backbone_layers", "[1]"}, {"backbone_channels", "[160]"}}).find("multiples of 128, not 160"),
            std::string::npos);
  EXPECT_NE(hybrid({{"backbone_stem", "48"}}).find("multiple of 32, not 48"), std::string::npos);
  EXPECT_NE(message({{"depth", "-1"}}).find("depth"), std::string::npos);
  EXPECT_NE(message({{"family", "\"vitt\""}}).find("vit"), std::string::npos);
  EXPECT_NE(test::error_of([] { architecture_of("vit_tiny_patch16_225"); }).find("vit_tiny_patch16_224"),
            std::string::npos);
}

}  // namespace
}  // namespace tessera::models
