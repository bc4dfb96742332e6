// tessera predict, from the outside.
#include <gtest/gtest.h>

#include "tessera/core/random.h"
#include "tessera/image/encode_png.h"
#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::TinyModel;

std::vector<std::byte> png(int64_t height, int64_t width, uint64_t seed) {
  image::Picture picture(height, width, 3);
  Random random(seed, "png");
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>(random.below(256));
  return image::encode_png(picture);
}

TEST(Predict, BareWeightsAndAnArchitectureGiveTheReferenceLogits) {
  const TinyModel tiny;
  const Outcome run = run_tessera(
      {"predict", "weights.safetensors", "--architecture", "a.json", "--input", "x.npy", "--logits", "y.npy"},
      tiny.folder.path());
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "");
  const formats::Array logits = formats::read_npy(tiny.folder / "y.npy");
  EXPECT_EQ(logits.shape, tiny.logits().shape);
  EXPECT_LE(test::relative_error(formats::to_f32(logits), tiny.logits()), tiny.golden.strict_rel);
}

TEST(Predict, ReadsPixelsAsThePicturesTheyAre) {
  const TinyModel tiny;
  image::Picture picture(32, 32, 3);
  for (size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<uint8_t>(i * 7 % 251);
  write_atomically(tiny.folder / "p.png", image::encode_png(picture));
  formats::write_npy(tiny.folder / "p.npy", formats::array_of(picture.pixels, {32, 32, 3}));
  formats::write_npy(tiny.folder / "b.npy", formats::array_of(picture.pixels, {1, 32, 32, 3}));
  const Outcome run = run_tessera({"predict", "weights.safetensors", "p.png", "p.npy", "b.npy", "--architecture",
                                   "a.json", "--preprocess", "crop_pct=1", "--logits", "y.npy", "--csv", "--top", "1"},
                                  tiny.folder.path());
  ASSERT_EQ(run.code, 0) << run.err;
  const std::vector<float> logits = formats::to_f32(formats::read_npy(tiny.folder / "y.npy"));
  ASSERT_EQ(logits.size(), 30u);
  for (size_t k = 0; k < 10; ++k) {
    EXPECT_NEAR(logits[k], logits[10 + k], 1e-5);
    EXPECT_NEAR(logits[k], logits[20 + k], 1e-5);
  }
  for (const char* name : {"\np.png,1,", "\np.npy,1,", "\nb.npy[0],1,"})
    EXPECT_NE(run.out.find(name), std::string::npos) << run.out;
}

TEST(Predict, GoesOnBehindABrokenPictureOfAFolder) {
  const TinyModel tiny;
  std::filesystem::create_directories(tiny.folder / "pictures/more");
  write_atomically(tiny.folder / "pictures/b.png", png(20, 30, 1));
  write_atomically(tiny.folder / "pictures/more/a.png", png(40, 10, 2));
  write_atomically(tiny.folder / "pictures/notes.txt", std::string_view("no picture"));
  std::vector<std::byte> broken = png(20, 30, 1);
  broken.resize(broken.size() / 2);
  write_atomically(tiny.folder / "pictures/broken.png", broken);
  const Outcome run = run_tessera({"predict", "weights.safetensors", "pictures", "--architecture", "a.json", "--json"},
                                  tiny.folder.path());
  EXPECT_EQ(run.code, 1);
  EXPECT_TRUE(run.says("tessera: pictures/broken.png: ")) << run.err;
  EXPECT_TRUE(run.says("1 of 3 pictures could not be classified")) << run.err;
  EXPECT_FALSE(run.says("notes.txt: ")) << run.err;
  const auto json = nlohmann::json::parse(run.out);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["input"], "pictures/b.png");
  EXPECT_EQ(json[1]["input"], "pictures/more/a.png");
  EXPECT_EQ(json[0]["top"].size(), 5u);
}

TEST(Predict, TheBatchDoesNotChangeTheAnswer) {
  const TinyModel tiny;
  std::filesystem::create_directories(tiny.folder / "pictures");
  for (uint64_t i = 0; i < 7; ++i) write_atomically(tiny.folder / fmt::format("pictures/{}.png", i), png(32, 32, i));
  std::vector<std::vector<float>> logits;
  for (const char* batch : {"1", "3", "100"}) {
    const Outcome run = run_tessera({"predict", "weights.safetensors", "pictures", "--architecture", "a.json",
                                     "--batch", batch, "--threads", "2", "--logits", "y.npy"},
                                    tiny.folder.path());
    ASSERT_EQ(run.code, 0) << run.err;
    const formats::Array array = formats::read_npy(tiny.folder / "y.npy");
    ASSERT_EQ(array.shape, (Shape{7, 10}));
    logits.push_back(formats::to_f32(array));
  }
  for (size_t i = 0; i < logits[0].size(); ++i) {
    EXPECT_NEAR(logits[0][i], logits[1][i], 1e-5);
    EXPECT_NEAR(logits[0][i], logits[2][i], 1e-5);
  }
}

TEST(Predict, AFailureLeavesTheOldLogits) {
  const TinyModel tiny;
  write_atomically(tiny.folder / "y.npy", std::string_view("what was there"));
  formats::write_npy(tiny.folder / "wrong.npy", formats::array_of(std::vector<float>(3 * 16 * 16), {1, 3, 16, 16}));
  const Outcome run = run_tessera(
      {"predict", "weights.safetensors", "x.npy", "wrong.npy", "--architecture", "a.json", "--logits", "y.npy"},
      tiny.folder.path());
  EXPECT_EQ(run.code, 1);
  EXPECT_EQ(run.err,
            "tessera: wrong.npy: the model takes float32 (B, 3, 32, 32), normalised, or uint8 pixels "
            "(B, H, W, 3), but this is F32 (1, 3, 16, 16)\n");
  EXPECT_EQ(read_text(tiny.folder / "y.npy"), "what was there");
}

}  // namespace
}  // namespace tessera
