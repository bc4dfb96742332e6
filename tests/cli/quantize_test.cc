// tessera quantize, from a run to a file that eval and predict use.
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tessera/image/encode_png.h"
#include "tests/cli/program.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TemporaryFolder;

// A small model that has learned a little of the built-in pictures.
struct Trained {
  TemporaryFolder folder;
  const std::vector<std::string> data = {"--data",     "shapes",    "--data-set", "size=16",
                                         "--data-set", "train=200", "--data-set", "test=100"};
  Trained() {
    std::vector<std::string> words = {"train", "--set", "depth=2", "--set", "embed_dim=32", "--set", "num_heads=2",
                                      "--out", "run",   "--steps", "30",    "--batch",      "20"};
    EXPECT_EQ(run(words).code, 0);
  }
  Outcome run(std::vector<std::string> words) const {
    words.insert(words.end(), data.begin(), data.end());
    return run_tessera(words, folder.path());
  }
};

TEST(Quantize, WritesAFileThatIsUsedLikeAnyOther) {
  const Trained trained;
  const Outcome first = trained.run({"quantize", "run", "--max-drop", "3", "--pictures", "100", "--probes", "20"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_NE(first.out.find("blocks.1.attn.qkv"), std::string::npos) << first.out;
  const auto file = trained.folder / "run/model.int8.safetensors";
  ASSERT_TRUE(std::filesystem::exists(file));
  EXPECT_LT(std::filesystem::file_size(file), std::filesystem::file_size(trained.folder / "run/model.safetensors"));

  const auto top1 = [&](const std::string& model) {
    const Outcome eval = trained.run({"eval", model, "--json"});
    EXPECT_EQ(eval.code, 0) << eval.err;
    return nlohmann::json::parse(eval.out)["top1"].get<double>();
  };
  EXPECT_NEAR(top1("run/model.int8.safetensors"), top1("run"), 0.08);

  const Outcome info = run_tessera({"info", "run/model.int8.safetensors"}, trained.folder.path());
  EXPECT_EQ(info.code, 0) << info.err;
  EXPECT_NE(info.out.find("Quantization"), std::string::npos) << info.out;

  const Outcome again = trained.run({"quantize", "run/model.int8.safetensors"});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.err.find("quantised already"), std::string::npos) << again.err;
  // Such weights cannot be trained further.
  const Outcome train = trained.run({"train", "--from", "run/model.int8.safetensors", "--steps", "1"});
  EXPECT_EQ(train.code, 1);
  EXPECT_EQ(train.complaints(), 1) << train.err;
}

TEST(Quantize, WritesNothingWhereTheDataDoesNotFit) {
  const Trained trained;
  const Outcome nowhere = trained.run({"quantize", "run", "--out", "no/such/q.safetensors"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_EQ(nowhere.err, "tessera: cannot write no/such/q.safetensors: there is no folder no/such; create it first\n");
  EXPECT_EQ(nowhere.out, "");  // said before the work
  // Other classes, as many as the model has.
  image::Picture picture(16, 16, 3);
  for (const char* part : {"train", "test"}) {
    for (int k = 0; k < 10; ++k) {
      const auto folder = trained.folder / fmt::format("other/{}/class {}", part, k);
      std::filesystem::create_directories(folder);
      write_atomically(folder / "a.png", image::encode_png(picture));
    }
  }
  const Outcome other = run_tessera({"quantize", "run", "--data", "other"}, trained.folder.path());
  EXPECT_EQ(other.code, 1);
  EXPECT_EQ(other.complaints(), 1) << other.err;
  EXPECT_TRUE(other.says("class 0 of run is 'arrow', but of the data set other it is 'class 0'")) << other.err;
  const Outcome wrong = trained.run({"quantize", "run", "--out", "q.safetensors", "--data-set", "size=99999"});
  EXPECT_NE(wrong.code, 0);
  EXPECT_EQ(wrong.complaints(), 1) << wrong.err;
  EXPECT_FALSE(std::filesystem::exists(trained.folder / "q.safetensors"));
}

}  // namespace
}  // namespace tessera
