// tessera pixels: the file is what the model sees, to the bit.
#include <gtest/gtest.h>

#include "tessera/formats/npz.h"
#include "tessera/image/decode.h"
#include "tessera/image/encode_png.h"
#include "tessera/image/geometry.h"
#include "tessera/image/preprocess.h"
#include "tessera/image/resize.h"
#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::Outcome;
using test::run_tessera;
using test::shared_path;
using test::TemporaryFolder;

image::Picture noise(int64_t height, int64_t width) {
  image::Picture picture(height, width, 3);
  uint32_t state = 7;
  for (uint8_t& value : picture.pixels) value = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return picture;
}

struct Folder : TemporaryFolder {
  image::Picture picture = noise(37, 53);
  Folder() { write_atomically(*this / "x.png", image::encode_png(picture)); }

  formats::Array run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"pixels", "x.png", "--out", "y.npy"});
    const Outcome outcome = run_tessera(arguments, path());
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return formats::read_npy(*this / "y.npy");
  }
};

void expect_pixels(const formats::Array& array, const image::Picture& picture) {
  EXPECT_EQ(array.type, formats::FileType::U8);
  EXPECT_EQ(array.shape, (Shape{picture.height, picture.width, picture.channels}));
  EXPECT_TRUE(std::ranges::equal(array.bytes, std::as_bytes(std::span(picture.pixels))));
}

TEST(Pixels, StepsAreThoseOfTheLibrary) {
  const Folder folder;
  expect_pixels(folder.run({}), folder.picture);
  const image::Resize half{.height = 26, .width = 37, .filter = image::Filter::lanczos};
  expect_pixels(folder.run({"--resize", "37x26", "--filter", "lanczos"}), image::resize(folder.picture, half));
  image::Resize part{.height = 20, .width = 28};
  part.box = image::Box{1.5, 2, 50.25, 30};
  expect_pixels(folder.run({"--resize", "28x20", "--box", "1.5,2,50.25,30"}), image::resize(folder.picture, part));
  part.box.reset();  // the shorter side 20, the other int(20 · 53 / 37)
  expect_pixels(folder.run({"--resize", "20", "--crop", "10x8+3+4"}),
                image::window(image::resize(folder.picture, part), {4, 3, 8, 10}));
  expect_pixels(folder.run({"--crop", "50x34"}), image::window(folder.picture, {2, 2, 34, 50}));  // 1.5 both times
  expect_pixels(folder.run({"--crop", "50x34", "--floor-crop"}), image::window(folder.picture, {1, 1, 34, 50}));
  expect_pixels(folder.run({"--gray", "--crop", "60x40"}),
                image::window(image::with_channels(folder.picture, 1), {-1, -3, 40, 60}));
}

TEST(Pixels, FloatsAreWhatTheModelTakes) {
  const Folder folder;
  const formats::Array array = folder.run({"--type", "f32", "--mean", "0.5,0.4,0.3", "--std", "0.2,0.3,0.4"});
  EXPECT_EQ(array.shape, (Shape{1, 3, 37, 53}));
  const float value = static_cast<float>(folder.picture.at(5, 7, 1)) / 255.0f;
  EXPECT_EQ(formats::to_f32(array)[(37 + 5) * 53 + 7], (value - 0.4f) / 0.3f);
}

TEST(Pixels, OfAModelGiveTheModelsAnswer) {
  const test::TinyModel tiny;
  auto architecture = nlohmann::json::parse(read_text(tiny.folder / "a.json"));
  const auto weights = formats::read_safetensors(tiny.folder / "weights.safetensors").arrays;
  formats::write_safetensors(tiny.folder / "model.safetensors", weights,
                             {{"tessera.format", "1"},
                              {"tessera.architecture", architecture.dump()},
                              {"tessera.preprocess", R"({"height": 32, "width": 32, "crop_pct": 0.9})"}});
  write_atomically(tiny.folder / "x.png", image::encode_png(noise(50, 41)));
  const auto logits = [&](const char* input) {
    const Outcome run = run_tessera({"predict", "model.safetensors", input, "--logits", "y.npy"}, tiny.folder.path());
    EXPECT_EQ(run.code, 0) << run.err;
    return formats::to_f32(formats::read_npy(tiny.folder / "y.npy"));
  };
  const std::vector<float> expected = logits("x.png");
  for (const char* type : {"f32", "u8"}) {
    const Outcome run = run_tessera(
        {"pixels", "x.png", "--model", "model.safetensors", "--out", "seen.npy", "--type", type}, tiny.folder.path());
    EXPECT_EQ(run.code, 0) << run.err;
    EXPECT_NE(run.out.find("shorter side to 35 (bicubic), centre crop 32x32 RGB"), std::string::npos) << run.out;
    if (type == std::string("f32")) {
      EXPECT_EQ(logits("seen.npy"), expected);
    }
  }
}

TEST(Pixels, ReadsOtherLibrariesDescriptions) {
  const Folder folder;
  image::Preprocess how;
  how.height = how.width = 24;
  how.crop_mode = "squash";
  how.crop_pct = 1;
  how.interpolation = "bilinear";
  std::filesystem::create_directory(folder / "hf");
  write_atomically(folder / "hf/preprocessor_config.json",
                   R"({"image_processor_type": "ViTImageProcessor", "size": 24})");
  expect_pixels(folder.run({"--model", "hf"}), image::fit(folder.picture, how));
  how.interpolation = "nearest";
  expect_pixels(folder.run({"--model", "hf/preprocessor_config.json", "--preprocess", "interpolation=nearest"}),
                image::fit(folder.picture, how));
  write_atomically(folder / "hf/config.json", R"({"pretrained_cfg": {"input_size": [3, 16, 16]}})");
  expect_pixels(folder.run({"--model", "hf/config.json"}), image::fit(folder.picture, {.height = 16, .width = 16}));
  expect_pixels(folder.run({"--model", "vit_cifar"}), image::fit(folder.picture, {.height = 32, .width = 32}));
}

TEST(Pixels, PngHoldsTheSame) {
  const auto golden = shared_path("golden/images/preprocess_u8.npz");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  const auto reference = nlohmann::json::parse(read_text(*shared_path("golden/images/preprocess.json")));
  const formats::NamedArrays crops = formats::read_npz(*golden);
  const TemporaryFolder folder;
  int seen = 0;
  for (const auto& c : reference["cases"]) {
    if (!c.contains("npz") || c["recipe"] != "torchvision Resize(256), CenterCrop(224), bilinear") continue;
    const Outcome run =
        run_tessera({"pixels", shared_path("images/" + c["file"].get<std::string>())->string(), "--resize", "256",
                     "--filter", "bilinear", "--pillow", "9.4", "--crop", "224x224", "--out", "y.png"},
                    folder.path());
    ASSERT_EQ(run.code, 0) << run.err;
    const image::Picture picture = image::decode_file(folder / "y.png");
    EXPECT_TRUE(std::ranges::equal(formats::at(crops, c["npz"].get<std::string>()).bytes,
                                   std::as_bytes(std::span(picture.pixels))));
    ++seen;
  }
  EXPECT_GT(seen, 0);
}

TEST(Pixels, SaysInOneLineWhatIsWrong) {
  const Folder folder;
  write_atomically(folder / "a.json", R"({"image_size": 224})");
  const std::vector<std::tuple<int, std::vector<std::string>, std::string>> cases = {
      {2, {"x.png", "--out", "y.jpg"}, "option '--out' takes FILE.npy or FILE.png, but it is 'y.jpg'"},
      {2, {"x.png", "--out", "y.png", "--type", "f32"}, "'--type f32' needs an .npy to write to, not 'y.png'"},
      {2, {"x.png", "--out", "y.npy", "--crop", "7"}, "option '--crop' takes WxH or WxH+X+Y, but it is '7'"},
      {2,
       {"x.png", "--out", "y.npy", "--resize", "0x3"},
       "option '--resize' takes WxH or the length of the shorter "
       "side, but it is '0x3'"},
      {2,
       {"x.png", "--out", "y.npy", "--box", "1,2,3,4"},
       "option '--box' is for '--resize'; '--crop WxH+X+Y' cuts out"},
      {2, {"x.png", "--out", "y.npy", "--mean", "1"}, "options '--mean' and '--std' are for '--type f32'"},
      {2,
       {"x.png", "--out", "y.npy", "--model", "vit_cifar", "--crop", "2x2"},
       "option '--crop' is a step of its own; with '--model', '--preprocess KEY=VALUE' changes a step"},
      {1,
       {"x.png", "--out", "y.npy", "--model", "vit_cifra"},
       "vit_cifra: there is no file and no model of this name, did you mean 'vit_cifar'?"},
      {1, {"x.png", "--out", "y.npy", "--model", "a.json"}, "a.json: it does not say how pictures are prepared"},
      {1,
       {"x.png", "--out", "y.npy", "--max-pixels", "1000"},
       "x.png: 53 x 37 pixels are more than the 1000 that max_pixels allows"},
      {1, {"a.json", "--out", "y.npy"}, "a.json: not a picture (its first bytes are of no known picture format)"},
      {1, {"x.png", "--out", "no/y.npy"}, "cannot write no/y.npy: No such file or directory; create its folder first"},
  };
  for (const auto& [code, arguments, message] : cases) {
    std::vector<std::string> words = {"pixels"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const Outcome run = run_tessera(words, folder.path());
    EXPECT_EQ(run.code, code) << message;
    EXPECT_EQ(run.err, "tessera: " + message + "\n");
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace tessera
