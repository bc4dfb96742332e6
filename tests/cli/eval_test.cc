// tessera eval against what predict says of the same pictures.
#include <gtest/gtest.h>

#include <cmath>

#include "tessera/core/random.h"
#include "tessera/image/decode.h"
#include "tessera/image/encode_png.h"
#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TinyModel;

// data/test/<class>/ with 19 pictures of ten classes: every batch size but 1 and 19 leaves a partial last batch.
struct Labelled : TinyModel {
  std::vector<int64_t> labels;
  Labelled() {
    for (int64_t k = 0; k < 10; ++k) {
      for (int64_t i = 0; i < 1 + k % 3; ++i) {
        image::Picture picture(32, 32, 3);
        Random random(static_cast<uint64_t>(100 * k + i), "picture");
        const uint64_t most = 1 + random.below(255);
        for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(random.below(most + 1));
        for (const char* part : {"train", "test"}) {
          const auto class_folder = folder / fmt::format("data/{}/class {}", part, k);
          std::filesystem::create_directories(class_folder);
          write_atomically(class_folder / fmt::format("{}.png", i), image::encode_png(picture));
        }
        labels.push_back(k);
      }
    }
  }
  nlohmann::json predicted(const std::string& top) {
    const std::vector<std::string> words = {
        "predict", "weights.safetensors", "--architecture", "a.json", "data/test", "--json", "--top", top};
    return nlohmann::json::parse(run_tessera(words, folder.path()).out);
  }
  Outcome eval(std::vector<std::string> more) {
    std::vector<std::string> words = {"eval", "weights.safetensors", "--architecture", "a.json", "--data", "data"};
    words.insert(words.end(), more.begin(), more.end());
    return run_tessera(words, folder.path());
  }
};

TEST(Eval, CountsEveryPictureOnceWhateverTheBatch) {
  Labelled here;
  const auto guesses = here.predicted("5");
  ASSERT_EQ(guesses.size(), here.labels.size());
  int64_t first = 0, among = 0;
  for (size_t i = 0; i < guesses.size(); ++i) {
    for (size_t rank = 0; rank < 5; ++rank) {
      if (guesses[i]["top"][rank]["class"] != here.labels[i]) continue;
      ++among;
      first += rank == 0;
    }
  }
  const auto n = static_cast<double>(here.labels.size());
  for (const char* batch : {"1", "4", "7", "64"}) {
    const Outcome outcome = here.eval({"--json", "--batch", batch});
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["pictures"], here.labels.size());
    EXPECT_DOUBLE_EQ(json["top1"], static_cast<double>(first) / n);
    EXPECT_DOUBLE_EQ(json["top5"], static_cast<double>(among) / n);
    int64_t counted = 0, hits = 0;
    for (size_t k = 0; k < 10; ++k) {
      for (const auto& cell : json["confusion"][k]) counted += cell.get<int64_t>();
      hits += json["confusion"][k][k].get<int64_t>();
      EXPECT_EQ(json["classes"][k]["pictures"], 1 + k % 3);
    }
    EXPECT_EQ(counted, std::ssize(here.labels));
    EXPECT_EQ(hits, first);
  }
}

TEST(Eval, SaysHowFarProbabilitiesCanBeBelieved) {
  Labelled here;
  const auto guesses = here.predicted("10");
  ASSERT_EQ(guesses.size(), here.labels.size());
  double brier = 0, loss = 0;
  for (size_t i = 0; i < guesses.size(); ++i) {
    for (const auto& guess : guesses[i]["top"]) {
      const double p = guess["probability"], right = guess["class"] == here.labels[i];
      brier += (p - right) * (p - right) / static_cast<double>(guesses.size());
      if (right == 1) loss -= std::log(p) / static_cast<double>(guesses.size());
    }
  }
  const Outcome outcome = here.eval({"--json", "--calibration"});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out)["calibration"];
  EXPECT_NEAR(json["brier"].get<double>(), brier, 1e-5);
  EXPECT_NEAR(json["loss"].get<double>(), loss, 1e-5);
  EXPECT_LT(json["scaled"]["loss"], json["loss"]);  // the model knows nothing of these pictures
  EXPECT_GT(json["temperature"], 1.0);
  EXPECT_GE(json["mce"], json["ece"]);
  EXPECT_NE(here.eval({"--calibration"}).out.find("at temperature "), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(here.eval({"--json"}).out).count("calibration"), 0u);
}

TEST(Eval, WritesTheConfusionMatrix) {
  Labelled here;
  const Outcome text = here.eval({"--confusion", "c.csv"});
  ASSERT_EQ(text.code, 0) << text.err;
  EXPECT_NE(text.out.find("macro F1"), std::string::npos);
  EXPECT_EQ(read_text(here.folder / "c.csv").find("true"), 0u);
  ASSERT_EQ(here.eval({"--confusion", "c.png"}).code, 0);
  const image::Picture picture = image::decode_file(here.folder / "c.png");
  EXPECT_EQ(picture.height, picture.width);
  EXPECT_EQ(picture.width % 10, 0);
  const Outcome wrong = here.eval({"--confusion", "c.txt"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.complaints(), 1);
}

}  // namespace
}  // namespace tessera
