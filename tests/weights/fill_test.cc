// What becomes of weights that do not fit, and what is said of it.
#include "tessera/weights/fill.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "tessera/formats/safetensors.h"
#include "tessera/weights/model_file.h"
#include "tessera/weights/rules_file.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::weights {
namespace {

class Fill : public testing::Test {
 protected:
  Fill() : golden_(test::read_golden_case(test::golden_path("models/tiny_vit_cls.json"))) {
    for (const test::GoldenTensor& tensor : golden_.tensors)
      arrays_.emplace_back(tensor.name, formats::array_of(test::golden_values(tensor), tensor.shape));
  }
  formats::Array& array(const std::string& name) {
    for (auto& [other, array] : arrays_)
      if (other == name) return array;
    fail("no '{}'", name);
  }
  void remove(const std::string& name) {
    std::erase_if(arrays_, [&](const auto& entry) { return entry.first == name; });
  }
  std::filesystem::path written() {
    formats::write_safetensors(folder_ / "w.safetensors", arrays_);
    return folder_ / "w.safetensors";
  }
  static LoadOptions options(models::Settings more = {}) {
    more.emplace_back("num_heads", "3");
    return {.set = std::move(more)};
  }
  std::string error(const LoadOptions& options) {
    const auto path = written();
    return test::error_of([&] { load_model(path, options); });
  }

  test::GoldenCase golden_;
  formats::NamedArrays arrays_;
  test::TemporaryFolder folder_;
};

bool says(const std::string& text, std::initializer_list<const char*> parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [&](const char* part) { return text.find(part) != std::string::npos; });
}

TEST_F(Fill, MissingTensorsAreErrorsUnlessAllowed) {
  remove("blocks.1.attn.proj.bias");
  EXPECT_TRUE(says(error(options()),
                   {"w.safetensors: the tensor 'blocks.1.attn.proj.bias' (48), which the model needs, is missing",
                    "--fresh 'blocks.1.attn.proj.bias'"}));
  LoadOptions allowed = options();
  allowed.fill.fresh = {"blocks.1.*"};
  const LoadedModel loaded = load_model(written(), allowed);
  ASSERT_EQ(loaded.account.fresh.size(), 1u);
  EXPECT_EQ(loaded.account.fresh[0].parameter, "blocks.1.attn.proj.bias");
  EXPECT_EQ(loaded.account.fresh[0].how, "not in the file");
}

TEST_F(Fill, TensorsLeftOverAreErrorsUnlessAllowed) {
  arrays_.emplace_back("decoder.weight", formats::array_of(std::vector<float>(4), {4}));
  EXPECT_TRUE(says(error(options()), {"w.safetensors", "\"decoder.weight\" (4), for which the model has no place",
                                      "--ignore 'decoder.weight'"}));
  LoadOptions allowed = options();
  allowed.fill.ignore = {"decoder*"};
  const LoadedModel loaded = load_model(written(), allowed);
  ASSERT_EQ(loaded.account.ignored.size(), 1u);
  EXPECT_EQ(loaded.account.ignored[0].array, "decoder.weight");
}

TEST_F(Fill, ShapesThatDoNotFitAreErrorsThatSayBoth) {
  array("norm.bias") = formats::array_of(std::vector<float>(49), {49});
  EXPECT_TRUE(says(error(options()), {"\"norm.bias\" is (49), but the model needs (48)"}));
}

TEST_F(Fill, ATransposedMatrixIsCalledThat) {
  formats::Array& fc1 = array("blocks.0.mlp.fc1.weight");
  fc1.shape = {fc1.shape[1], fc1.shape[0]};
  EXPECT_TRUE(says(error(options()),
                   {"\"blocks.0.mlp.fc1.weight\" is (48, 192), but the model needs (192, 48); it is transposed"}));
}

TEST_F(Fill, AHeadForOtherClassesStartsAnewWhereAsked) {
  EXPECT_TRUE(says(error(options({{"num_classes", "7"}})),
                   {"\"head.weight\" is (10, 48), but the model needs (7, 48)", "--fresh 'head*'"}));
  LoadOptions allowed = options({{"num_classes", "7"}});
  allowed.fill.fresh_head = true;
  const LoadedModel loaded = load_model(written(), allowed);
  ASSERT_EQ(loaded.account.fresh.size(), 2u);
  for (const nn::Parameter& parameter : loaded.model->parameters()) {
    if (parameter.name != "head.weight") continue;
    for (float value : parameter.tensor->span()) EXPECT_EQ(value, 0);
  }
}

TEST_F(Fill, OtherSizesAreResizedAndSaid) {
  const LoadedModel loaded =
      load_model(written(), options({{"img_size", "64"}, {"patch_size", "16"}, {"in_chans", "1"}}));
  std::vector<std::string> changed;
  for (const Fate& fate : loaded.account.loaded)
    if (!fate.how.empty()) changed.push_back(fate.parameter + ": " + fate.how);
  EXPECT_EQ(changed,
            (std::vector<std::string>{"patch_embed.proj.weight: resized 8x8 -> 16x16 (flexi, 3 -> 1 channels)"}));
  const LoadedModel larger = load_model(written(), options({{"img_size", "64"}}));
  EXPECT_EQ(larger.account.loaded[1].parameter, "pos_embed");
  EXPECT_EQ(larger.account.loaded[1].how, "resized 4x4 -> 8x8 (timm)");
  LoadOptions otherwise = options({{"img_size", "64"}});
  otherwise.fill.positions = "hf";
  const LoadedModel other = load_model(written(), otherwise);
  EXPECT_EQ(other.account.loaded[1].how, "resized 4x4 -> 8x8 (hf)");
}

// A table whose grid is no square, and the same with the option that says what it is.
TEST_F(Fill, AGridThatIsNoSquareMustBeSaid) {
  array("pos_embed") = formats::array_of(std::vector<float>(13 * 48), {1, 13, 48});
  EXPECT_TRUE(says(error(options()),
                   {"'pos_embed' has 13 tokens, which are no square grid behind 1 others", "--set img_size"}));
  const LoadedModel loaded = load_model(written(), options({{"img_size", "[24, 32]"}}));
  EXPECT_EQ(loaded.model->input().height, 24);
  EXPECT_EQ(loaded.model->input().width, 32);
}

// 3 x 4 patches are as many as 4 x 3, but lie otherwise.
TEST_F(Fill, AGridOfAsManyPatchesIsResizedToo) {
  array("pos_embed") = formats::array_of(std::vector<float>(13 * 48), {1, 13, 48});
  formats::write_safetensors(folder_ / "t.safetensors", arrays_);
  LoadedModel lying = load_model(folder_ / "t.safetensors", options({{"img_size", "[24, 32]"}}));
  save_model(folder_ / "m.safetensors", *lying.model, lying.info);
  const LoadedModel standing = load_model(folder_ / "m.safetensors", {.set = {{"img_size", "[32, 24]"}}});
  const auto& fates = standing.account.loaded;
  EXPECT_TRUE(std::any_of(fates.begin(), fates.end(), [](const Fate& fate) {
    return fate.parameter == "pos_embed" && fate.how == "resized 3x4 -> 4x3 (timm)";
  }));
}

TEST_F(Fill, BlocksAreNumberedWithoutGaps) {
  arrays_.emplace_back("blocks.7.norm1.weight", formats::array_of(std::vector<float>(48), {48}));
  EXPECT_TRUE(says(error(options()), {"it holds the tensor 'blocks.7.norm1.weight', but there is no 'blocks.2.attn"}));
  arrays_.back().first = "blocks.99999999999999999999.norm1.weight";
  EXPECT_TRUE(says(error(options()), {"'blocks.99999999999999999999.norm1.weight' is of a block beyond the 4096"}));
}

TEST_F(Fill, WholeNumbersAreConvertedAndSaid) {
  array("norm.weight") = formats::array_of(std::vector<int64_t>(48, 2), {48});
  const LoadedModel loaded = load_model(written(), options());
  const auto& fates = loaded.account.loaded;
  EXPECT_TRUE(std::any_of(fates.begin(), fates.end(), [](const Fate& fate) {
    return fate.parameter == "norm.weight" && fate.how == "converted from I64";
  }));
}

TEST_F(Fill, TwoNamingsInOneFileAreRefused) {
  arrays_.emplace_back("vit.encoder.layer.0.attention.attention.query.weight",
                       formats::array_of(std::vector<float>(48 * 48), {48, 48}));
  EXPECT_TRUE(says(error(options()), {"mixes the namings of timm", "and of hf"}));
}

TEST_F(Fill, RulesFilesMeanWhatTheySay) {
  const std::filesystem::path original = folder_ / "original.safetensors";
  formats::write_safetensors(original, arrays_);
  for (auto& [name, array] : arrays_) {
    if (name.find("attn.qkv.weight") == std::string::npos) name = "my/" + name;
  }
  formats::NamedArrays split;
  for (auto& [name, array] : arrays_) {  // queries, keys and values apart, the first projection transposed
    if (name.find("attn.qkv.weight") == std::string::npos) {
      split.emplace_back(name, array);
      continue;
    }
    const std::vector<float> rows = formats::to_f32(array);
    int part = 0;
    for (const char* letter : {"q", "k", "v"}) {
      std::vector<float> transposed(48 * 48);
      for (size_t o = 0; o < 48; ++o)
        for (size_t i = 0; i < 48; ++i) transposed[i * 48 + o] = rows[(static_cast<size_t>(part) * 48 + o) * 48 + i];
      split.emplace_back("my/" + name.substr(0, 9) + letter, formats::array_of(std::move(transposed), {48, 48}));
      ++part;
    }
  }
  formats::write_safetensors(folder_ / "w.safetensors", split);
  std::ofstream(folder_ / "r.toml") << R"(
architecture = { num_heads = 3 }
[rules]
"my/cls_token" = "cls_token"
"my/pos_embed" = "pos_embed"
"my/patch_embed.proj.{p}" = "patch_embed.proj.{p}"
"my/blocks.{i}.norm{n}.{p}" = "blocks.{i}.norm{n}.{p}"
"my/blocks.{i}.attn.qkv.bias" = "blocks.{i}.attn.qkv.bias"
"my/blocks.{i}.attn.proj.{p}" = "blocks.{i}.attn.proj.{p}"
"my/blocks.{i}.mlp.{f}.{p}" = "blocks.{i}.mlp.{f}.{p}"
"my/norm.{p}" = "norm.{p}"
"my/head.{p}" = "head.{p}"
"my/blocks.{i}.q" = { to = "blocks.{i}.attn.qkv.weight", part = [1, 3], rearrange = "i o -> o i" }
"my/blocks.{i}.k" = { to = "blocks.{i}.attn.qkv.weight", part = [2, 3], rearrange = "i o -> o i" }
"my/blocks.{i}.v" = { to = "blocks.{i}.attn.qkv.weight", part = [3, 3], rearrange = "i o -> o i" }
)";
  LoadOptions by_rules;
  by_rules.naming.rules = folder_ / "r.toml";
  const LoadedModel by_name = load_model(original, options()),
                    by_rule = load_model(folder_ / "w.safetensors", by_rules);
  const std::vector<nn::Parameter> ours = by_rule.model->parameters(), theirs = by_name.model->parameters();
  for (size_t i = 0; i < theirs.size(); ++i) {
    const auto a = ours[i].tensor->span(), b = theirs[i].tensor->span();
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << theirs[i].name;
  }
}

TEST(RulesFile, SaysWhatIsWrongWithIt) {
  const test::TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"[rules\n", "r.toml:1"},
      {"x = 1\n", "unknown key 'x'"},
      {"rule = {}\n", "did you mean 'rules'?"},
      {"[rules]\n", "needs a table [rules]"},
      {"[rules]\n'a' = { to = 'b', part = [4, 3] }\n", "rule 'a': part must be [WHICH, OF HOW MANY]"},
      {"[rules]\n'a' = { tu = 'b' }\n", "unknown key 'tu', did you mean 'to'?"},
      {"[rules]\n'a' = { part = [1, 3] }\n", "rule 'a' lacks 'to'"},
      {"[rules]\n'a' = 'b.{i}'\n", "has a placeholder that the name does not have"},
      {"[rules]\n'a.{i' = 'b'\n", "lacks a '}'"},
      {"[rules]\n'a' = { to = 'b', rearrange = 'x y' }\n", "rule 'a': 'x y' has no arrow"}};
  for (const auto& [text, message] : cases) {
    std::ofstream(folder / "r.toml") << text;
    const std::string error = test::error_of([&] { read_rules(folder / "r.toml"); });
    EXPECT_NE(error.find(message), std::string::npos) << error;
    EXPECT_NE(error.find("r.toml"), std::string::npos) << error;
  }
}

}  // namespace
}  // namespace tessera::weights
