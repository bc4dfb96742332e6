// What a user gets wrong: exit code 1 or 2, nothing on standard output, and one line that names the thing.
#include <gtest/gtest.h>

#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TinyModel;

struct Case {
  const char* name;
  std::vector<std::string> arguments;
  int code;
  std::vector<std::string> says;  // all of these
};

// The working folder of every case.
struct Folder : TinyModel {
  formats::NamedArrays arrays() const { return formats::read_safetensors(folder / "weights.safetensors").arrays; }

  // A model file whose architecture has some keys changed.
  void write_model(const std::string& name, const std::string& changes) const {
    auto architecture = nlohmann::json::parse(read_text(folder / "a.json"));
    architecture.update(nlohmann::json::parse(changes));
    formats::write_safetensors(folder / name, arrays(),
                               {{"tessera.format", "1"}, {"tessera.architecture", architecture.dump()}});
  }

  Folder() {
    std::filesystem::create_directories(folder / "empty");
    write_atomically(folder / "text.jpg", std::string_view("This is a text file.\n"));
    write_atomically(folder / "nothing.png", std::string_view());
    std::vector<std::byte> weights = read_file(folder / "weights.safetensors");
    weights.resize(weights.size() - 1000);
    write_atomically(folder / "truncated.safetensors", weights);
    write_model("model.safetensors", "{}");
    write_model("heads.safetensors", R"({"num_heads": 5})");
    write_model("endless.safetensors", R"({"depth": 1000000000000})");
    write_model("unknown.safetensors", R"({"no_such_key": 1})");
    formats::write_safetensors(folder / "checkpoint.safetensors", arrays(), {{"tessera.run", "{}"}});
    formats::write_safetensors(folder / "newer.safetensors", arrays(), {{"tessera.format", "3"}});
  }
};

class BadInput : public testing::TestWithParam<Case> {};

TEST_P(BadInput, IsOneLineThatNamesIt) {
  const Folder here;
  const Outcome run = run_tessera(GetParam().arguments, here.folder.path());
  EXPECT_EQ(run.code, GetParam().code);
  EXPECT_EQ(run.complaints(), 1) << run.err;
  EXPECT_EQ(run.err.find("tessera: "), 0u) << run.err;
  for (const std::string& text : GetParam().says) EXPECT_TRUE(run.says(text)) << run.err;
  EXPECT_EQ(run.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Predict, BadInput,
    testing::Values(
        Case{"WrongModelPath", {"predict", "nowhere.safetensors", "text.jpg"}, 1, {"nowhere.safetensors"}},
        Case{"WrongPicturePath",
             {"predict", "weights.safetensors", "nowhere.jpg", "--architecture", "a.json"},
             1,
             {"nowhere.jpg: there is no such file or folder"}},
        Case{"EmptyFolder",
             {"predict", "weights.safetensors", "empty", "--architecture", "a.json", "--preprocess", "crop_pct=1"},
             1,
             {"empty: there are no pictures"}},
        Case{"TextCalledJpg",
             {"predict", "weights.safetensors", "text.jpg", "--architecture", "a.json", "--preprocess", "crop_pct=1"},
             1,
             {"text.jpg"}},
        Case{
            "EmptyPicture",
            {"predict", "weights.safetensors", "nothing.png", "--architecture", "a.json", "--preprocess", "crop_pct=1"},
            1,
            {"nothing.png"}},
        Case{"TruncatedWeights",
             {"predict", "truncated.safetensors", "x.npy", "--architecture", "a.json"},
             1,
             {"truncated.safetensors"}},
        Case{"WeightsOfAnotherModel",
             {"predict", "weights.safetensors", "x.npy", "--model", "vit_lite_7_4"},
             1,
             {"weights.safetensors", "the tensor", "the model needs"}},
        Case{"WeightsWithoutArchitecture",
             {"predict", "weights.safetensors", "x.npy"},
             1,
             {"weights.safetensors", "num_heads"}},
        Case{"ModelOfAnotherArchitecture",
             {"predict", "model.safetensors", "x.npy", "--model", "vit_lite_7_4"},
             1,
             {"model.safetensors", "patch_size [8,8]", "[4,4]"}},
        Case{"DamagedArchitecture",
             {"predict", "heads.safetensors", "x.npy"},
             1,
             {"heads.safetensors", "num_heads 5", "embed_dim 48"}},
        Case{"EndlessArchitecture",
             {"predict", "endless.safetensors", "x.npy"},
             1,
             {"endless.safetensors", "'depth'", "from 0 to 4096"}},
        Case{"ArchitectureWithUnknownKey",
             {"predict", "unknown.safetensors", "x.npy"},
             1,
             {"unknown.safetensors", "no_such_key"}},
        Case{"NewerFormat", {"predict", "newer.safetensors", "x.npy"}, 1, {"newer.safetensors", "version 3"}},
        Case{"Checkpoint",
             {"predict", "checkpoint.safetensors", "x.npy"},
             1,
             {"checkpoint.safetensors: a checkpoint", "model.safetensors"}},
        Case{"HeadsDoNotDivide",
             {"predict", "weights.safetensors", "x.npy", "--architecture", "a.json", "--set", "num_heads=5"},
             2,
             {"num_heads 5", "embed_dim 48"}},
        Case{"UnknownKey",
             {"predict", "weights.safetensors", "x.npy", "--architecture", "a.json", "--set", "deph=3"},
             2,
             {"'deph'", "'depth'"}},
        Case{"UnknownOption",
             {"predict", "weights.safetensors", "x.npy", "--bacth", "4"},
             2,
             {"unknown option '--bacth', did you mean '--batch'?"}},
        Case{"BatchZero",
             {"predict", "weights.safetensors", "x.npy", "--batch", "0"},
             2,
             {"'--batch'", "at least 1", "'0'"}},
        Case{"LogitsIntoNowhere",
             {"predict", "weights.safetensors", "x.npy", "--architecture", "a.json", "--logits", "no/where/y.npy"},
             1,
             {"no/where/y.npy"}},
        Case{"NoPictures", {"predict", "weights.safetensors", "--architecture", "a.json"}, 2, {"PATH"}}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Others, BadInput,
    testing::Values(
        Case{"InfoOfNothing", {"info", "vit_bse_patch16_224"}, 1, {"vit_bse_patch16_224", "vit_base_patch16_224"}},
        Case{"InfoOfText", {"info", "text.jpg"}, 1, {"text.jpg"}},
        Case{"InfoTruncated", {"info", "truncated.safetensors"}, 1, {"truncated.safetensors"}},
        Case{
            "EvalWithoutData", {"eval", "weights.safetensors", "--architecture", "a.json"}, 2, {"'--data' is missing"}},
        Case{"EvalOtherClasses",
             {"eval", "weights.safetensors", "--architecture", "a.json", "--data", "shapes", "--data-set", "classes=4"},
             1,
             {"weights.safetensors has 10 classes, but the data set shapes has 4"}},
        Case{"EvalEmptyFolder",
             {"eval", "weights.safetensors", "--architecture", "a.json", "--data", "empty"},
             1,
             {"empty"}},
        Case{"EvalWrongPath",
             {"eval", "weights.safetensors", "--architecture", "a.json", "--data", "nowhere"},
             1,
             {"nowhere"}},
        Case{"EvalSetting",
             {"eval", "weights.safetensors", "--architecture", "a.json", "--data", "shapes", "--data-set", "clases=4"},
             2,
             {"'clases'", "'classes'"}},
        Case{"BenchHeads",
             {"bench", "infer", "--model", "vit_lite_7_4", "--set", "num_heads=7"},
             2,
             {"num_heads 7", "embed_dim 256"}},
        Case{"BenchBatchZero", {"bench", "infer", "--model", "vit_lite_7_4", "--batch", "0"}, 2, {"'--batch'"}}),
    [](const auto& info) { return std::string(info.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Train, BadInput,
    testing::Values(
        Case{"NoData", {"train"}, 2, {"'--data' is missing"}},
        Case{"WrongDataPath", {"train", "--data", "nowhere"}, 1, {"nowhere"}},
        Case{"EmptyFolder", {"train", "--data", "empty"}, 1, {"empty"}},
        Case{"UnknownOption", {"train", "--data", "shapes", "--learning-rat", "1"}, 2, {"'--learning-rat'"}},
        Case{"HeadsDoNotDivide",
             {"train", "--data", "shapes", "--model", "vit_lite_7_4", "--set", "num_heads=7"},
             2,
             {"num_heads 7", "embed_dim 256"}},
        Case{"BatchZero", {"train", "--data", "shapes", "--batch", "0"}, 2, {"'--batch'", "at least 1", "'0'"}},
        Case{"LearningRateNaN", {"train", "--data", "shapes", "--lr", "nan"}, 2, {"'--lr'", "above 0", "'nan'"}},
        Case{"LearningRateText", {"train", "--data", "shapes", "--lr", "fast"}, 2, {"'--lr'", "a number", "'fast'"}},
        Case{"TwoLengths", {"train", "--data", "shapes", "--epochs", "3", "--minutes", "2"}, 2, {"epochs", "minutes"}},
        Case{"UnknownModel", {"train", "--data", "shapes", "--model", "vit_cifra"}, 2, {"'vit_cifra'", "'vit_cifar'"}},
        Case{"UnknownRecipe", {"train", "--data", "shapes", "--recipe", "shpaes"}, 2, {"'--recipe'", "'shpaes'"}},
        Case{"ResumeWhat", {"train", "--data", "shapes", "--resume"}, 2, {"'--resume'", "--out"}},
        Case{"FromText", {"train", "--data", "shapes", "--from", "text.jpg"}, 1, {"text.jpg"}},
        Case{"FromOtherModel",
             {"train", "--data", "shapes", "--from", "weights.safetensors", "--model", "vit_cifar"},
             1,
             {"weights.safetensors"}}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tessera
