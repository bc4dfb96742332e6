// tessera info, models and bench: what they say is exact.
#include <gtest/gtest.h>

#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TemporaryFolder;
using test::TinyModel;

TEST(Info, WalksAPictureThroughTheModel) {
  const TemporaryFolder folder;
  const Outcome outcome = run_tessera({"info", "vit_base_patch16_224", "--shapes"}, folder.path());
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  for (const char* text : {"[224,224,3] -> [14,14,768] -> [196,768] -> [197,768] -> [768] -> [1000]\n",
                           "parameters     86,567,656\n", "\nblocks.11.mlp"})
    EXPECT_NE(outcome.out.find(text), std::string::npos) << text << outcome.out;
}

TEST(Info, SaysWhatIsCutOff) {
  const TemporaryFolder folder;
  const Outcome whole = run_tessera({"info", "vit_lite_7_4"}, folder.path());
  EXPECT_EQ(whole.out.find("cut off"), std::string::npos);
  const Outcome cut = run_tessera({"info", "vit_lite_7_4", "--set", "img_size=[33,35]"}, folder.path());
  EXPECT_NE(cut.out.find("the last 1 rows and 3 columns of a picture fill no patch and are cut off"), std::string::npos)
      << cut.out << cut.err;
}

TEST(Info, TellsFilesByTheirBytes) {
  const TinyModel tiny;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"weights.safetensors"}, "weights.safetensors: weights, 32 tensors with 67,258 elements"},
      {{"weights.safetensors", "--architecture", "a.json"}, "  picture        32x32x3\n"},
      {{"a.json"}, "a.json: an architecture\n"},
      {{"x.npy"}, "x.npy: a NumPy array, F32 (2, 3, 32, 32)\n"}};
  for (const auto& [arguments, text] : cases) {
    std::vector<std::string> words = {"info"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome outcome = run_tessera(words, tiny.folder.path());
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find(text), std::string::npos) << outcome.out;
  }
}

TEST(Models, CountParametersExactly) {
  const TemporaryFolder folder;
  const auto known = nlohmann::json::parse(read_text(test::golden_path("models/parameters.json")))["timm"];
  const auto models = nlohmann::json::parse(run_tessera({"models", "--json"}, folder.path()).out);
  int compared = 0;
  for (const auto& model : models) {
    const std::string name = model["name"];
    if (!known.contains(name)) continue;
    EXPECT_EQ(model["parameters"], known[name]) << name;
    ++compared;
  }
  EXPECT_GE(compared, 10);
  const Outcome help = run_tessera({"models", "--architecture-help"}, folder.path());
  for (const char* key :
       {"\n  reg_tokens N", "\n  norm_eps NUMBER", "\n  qk_norm true|false", "\n  global_pool token|avg"})
    EXPECT_NE(help.out.find(key), std::string::npos);
}

TEST(Bench, EndsInOneLineOfJson) {
  const TinyModel tiny;
  for (const char* task : {"infer", "train"}) {
    const Outcome outcome = run_tessera({"bench", task, "--architecture", "a.json", "--batch", "3", "--threads", "1",
                                         "--seconds", "0.05", "--json", "--set", "drop_path_rate=0.5"},
                                        tiny.folder.path());
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_GT(json["images_per_second"], 0);
    EXPECT_GT(json["median_ms"], 0);
    EXPECT_EQ(json["batch"], 3);
    EXPECT_EQ(json["threads"], 1);
  }
}

TEST(Bench, ComplexityOfModelsWithoutAttentionHasNoSlopeOfIt) {
  const TemporaryFolder folder;
  const auto complexity = [&](const char* sizes) {
    return run_tessera({"bench", "complexity", "--models", "lenet5_cifar", sizes, "--seconds", "0.01"}, folder.path());
  };
  EXPECT_EQ(complexity("--sizes=").code, 2);
  const Outcome outcome = complexity("--sizes=32,48");
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.find("nan"), std::string::npos) << outcome.out;
  EXPECT_EQ(read_text(folder / "complexity.svg").find("nan"), std::string::npos);
}

TEST(Architecture, ThoseThatComeWithTesseraHaveNames) {
  const TemporaryFolder folder;
  const auto bench = [&](const char* architecture) {
    return run_tessera({"bench", "infer", "--architecture", architecture, "--seconds", "0.01", "--json"},
                       folder.path());
  };
  const Outcome named = bench("networks/resnet18_cifar"), recipe = bench("cifar10_vit");
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(recipe.code, 1);
  for (const char* text : {"cifar10_vit.toml", "--recipe"})
    EXPECT_NE(recipe.err.find(text), std::string::npos) << recipe.err;
}

}  // namespace
}  // namespace tessera
