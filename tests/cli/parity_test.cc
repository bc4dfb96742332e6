// tessera parity: planted faults are found and named; what agrees, agrees.
#include <gtest/gtest.h>

#include "tessera/image/decode.h"
#include "tessera/image/encode_png.h"
#include "tessera/image/geometry.h"
#include "tessera/image/preprocess.h"
#include "tessera/image/resize.h"
#include "tessera/weights/resize.h"
#include "tests/cli/program.h"
#include "tests/cli/tiny_model.h"

namespace tessera {
namespace {

using test::golden_path;
using test::Outcome;

using Arguments = std::vector<std::string>;
using Values = std::vector<float>;
constexpr size_t kWidth = 48;  // of tiny_vit_cls and tiny_vit_eps

class Parity : public test::TinyModel {
 public:
  explicit Parity(const std::string& name = "tiny_vit_cls") : TinyModel(name) {
    formats::write_safetensors(folder / "y.safetensors", golden.expect);
    formats::write_npy(folder / "y.npy", logits());
  }

  Outcome run(const std::string& expect, const Arguments& more = {"--input", "x.npy"}) const {
    Arguments arguments = {"parity", "weights.safetensors", "--architecture", "a.json", "--expect", expect};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::run_tessera(arguments, folder.path());
  }

  // Every cause is found from the logits alone, and with intermediates, and nothing else is named first.
  void expect_cause(const std::string& cause, const Arguments& more = {"--input", "x.npy"}) const {
    for (const char* expect : {"y.npy", "y.safetensors"}) {
      const Outcome outcome = run(expect, more);
      EXPECT_EQ(outcome.code, 1) << outcome.err;
      EXPECT_EQ(outcome.err, "");
      EXPECT_NE(outcome.out.find("\nAgrees with " + cause + ".\n"), std::string::npos) << expect << "\n" << outcome.out;
    }
  }

  // Writes the weights with some of them changed: change(name, values).
  template <class Change>
  void plant(Change change) const {
    formats::NamedArrays arrays;
    for (const test::GoldenTensor& tensor : golden.tensors) {
      Values values = golden_values(tensor);
      change(tensor.name, values);
      arrays.emplace_back(tensor.name, formats::array_of(values, tensor.shape));
    }
    formats::write_safetensors(folder / "weights.safetensors", arrays);
  }

  // Writes the input (B, C, H, W) with change(channel, value) in place of each value.
  template <class Change>
  void plant_input(Change change) const {
    const test::GoldenTensor& input = golden.inputs.at(0);
    Values values = golden_values(input);
    const auto pixels = static_cast<size_t>(input.shape[2] * input.shape[3]);
    for (size_t i = 0; i < values.size(); ++i) values[i] = change(i / pixels % 3, values[i], i);
    formats::write_npy(folder / "x.npy", formats::array_of(values, input.shape));
  }
};

bool ends_with(const std::string& text, const std::string& tail) { return text.ends_with(tail); }

// rows [begin, begin + n) of n columns
void transpose(Values& values, size_t begin, size_t n) {
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < i; ++j) std::swap(values[(begin + i) * n + j], values[(begin + j) * n + i]);
}

TEST(Parity, TheReferenceModelsAgreeAtEveryTensor) {
  for (const char* name : {"tiny_vit_cls", "tiny_vit_eps", "tiny_vit_nonsquare"}) {
    const Parity parity(name);
    for (const char* expect : {"y.npy", "y.safetensors"}) {
      const Outcome outcome = parity.run(expect);
      EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
      EXPECT_NE(outcome.out.find("\nAll agree.\n"), std::string::npos) << outcome.out;
    }
    const Outcome outcome = parity.run("y.safetensors", {"--input", "x.npy", "--json"});
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["agrees"], true);
    ASSERT_EQ(json["tensors"].size(), parity.golden.expect.size());
    EXPECT_EQ(json["tensors"][0]["name"], "patch_embed");  // in the order of the forward pass
    EXPECT_EQ(json["tensors"][2]["name"], "blocks.0.attn");
    EXPECT_EQ(json["tensors"].back()["name"], "logits");
    // What is allowed is tight: about ten times what PyTorch itself loses in float32.
    for (const auto& tensor : json["tensors"]) {
      EXPECT_LT(tensor["allowed"], 4 * parity.golden.strict_rel) << name << " " << tensor["name"];
      EXPECT_LT(tensor["relative"], 0.5 * tensor["allowed"].get<double>()) << name << " " << tensor["name"];
    }
  }
}

TEST(Parity, NamesTheEpsilon) {
  Parity("tiny_vit_eps").expect_cause("norm_eps=1e-06", {"--input", "x.npy", "--set", "norm_eps=1e-5"});
}

TEST(Parity, NamesTheFormOfGelu) {
  const Parity parity;
  parity.expect_cause("act=gelu_erf", {"--input", "x.npy", "--set", "act=gelu_tanh"});
  const Outcome outcome = parity.run("y.safetensors", {"--input", "x.npy", "--set", "act=gelu_tanh"});
  EXPECT_NE(outcome.out.find("\nblocks.0.mlp parts first: relative 2.5e-04, allowed "), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find(" --set act=gelu_erf\n"), std::string::npos) << outcome.out;
  // Within what the user allows there is no difference.
  EXPECT_EQ(parity.run("y.npy", {"--input", "x.npy", "--set", "act=gelu_tanh", "--tolerance", "1e-3"}).code, 0);
}

TEST(Parity, NamesHeadsAndPlacesOfNorms) {
  Parity().expect_cause("num_heads=3 head_dim=16", {"--input", "x.npy", "--set", "num_heads=4"});
  Parity().expect_cause("norm_position=pre", {"--input", "x.npy", "--set", "norm_position=post"});
}

TEST(Parity, NamesTheNormalisationOfTheInput) {
  const Parity parity;
  constexpr float mean[] = {0.485f, 0.456f, 0.406f}, std[] = {0.229f, 0.224f, 0.225f};
  parity.plant_input([&](size_t c, float x, size_t) { return (x * 0.5f + 0.5f - mean[c]) / std[c]; });
  parity.expect_cause("mean 0.5, std 0.5 in place of ImageNet's mean and std");
}

TEST(Parity, NamesBlueBeforeRed) {
  const Parity parity;
  const Values values = golden_values(parity.golden.inputs.at(0));
  parity.plant_input([&](size_t c, float, size_t i) { return values[i + (2 - 2 * c) * 32 * 32]; });
  parity.expect_cause("BGR in place of RGB");
}

TEST(Parity, NamesATransposedProjectionOfAllBlocksOrOfOne) {
  const Parity all, one, key;
  all.plant([](const std::string& name, Values& values) {
    if (ends_with(name, "attn.proj.weight")) transpose(values, 0, kWidth);
  });
  all.expect_cause("attn.proj transposed");
  one.plant([](const std::string& name, Values& values) {
    if (name == "blocks.1.attn.proj.weight") transpose(values, 0, kWidth);
  });
  one.expect_cause("blocks.1.attn.proj transposed");
  key.plant([](const std::string& name, Values& values) {
    if (ends_with(name, "attn.qkv.weight")) transpose(values, kWidth, kWidth);
  });
  key.expect_cause("attn.qkv (k) transposed");
}

TEST(Parity, NamesTheOrderOfQueriesKeysAndValues) {
  const Parity thirds, heads;
  thirds.plant([](const std::string& name, Values& values) {
    if (name.find("attn.qkv") == std::string::npos) return;
    std::rotate(values.begin(), values.end() - std::ssize(values) / 3, values.end());
  });
  thirds.expect_cause("q/k/v in the order v, q, k");
  heads.plant([](const std::string& name, Values& values) {
    if (name.find("attn.qkv") == std::string::npos) return;
    const size_t part = values.size() / 9;  // one head of q, k or v
    const Values old = values;
    for (size_t qkv = 0; qkv < 3; ++qkv)
      for (size_t head = 0; head < 3; ++head)
        std::copy_n(old.begin() + static_cast<std::ptrdiff_t>((qkv * 3 + head) * part), part,
                    values.begin() + static_cast<std::ptrdiff_t>((head * 3 + qkv) * part));
  });
  heads.expect_cause("rows of attn.qkv by (head, q/k/v, channel)");
}

// Weights for pictures of 48 pixels, with positions resized as timm does; the original resizes them as `how`.
TEST(Parity, NamesTheResizeOfThePositions) {
  const Parity parity;
  const auto with_positions = [&](weights::PositionResize how, const std::string& file) {
    formats::NamedArrays arrays;
    for (const test::GoldenTensor& tensor : parity.golden.tensors) {
      Tensor values = golden_tensor(tensor);
      if (tensor.name == "pos_embed") values = resize_positions(values, 1, {4, 4}, {6, 6}, how);
      arrays.emplace_back(tensor.name,
                          formats::array_of(Values(values.span().begin(), values.span().end()), values.shape()));
    }
    formats::write_safetensors(parity.folder / file, arrays);
  };
  const auto run = [&](const Arguments& arguments) { return test::run_tessera(arguments, parity.folder.path()); };
  Values values(2 * 3 * 48 * 48);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 101) / 50 - 1;
  formats::write_npy(parity.folder / "x48.npy", formats::array_of(values, {2, 3, 48, 48}));
  auto architecture = nlohmann::json::parse(read_text(parity.folder / "a.json"));
  architecture["img_size"] = 48;
  write_atomically(parity.folder / "a48.json", architecture.dump());
  with_positions(weights::PositionResize::timm, "ours.safetensors");
  for (const std::string& name : weights::position_resize_names()) {
    if (name == "timm") continue;
    with_positions(weights::position_resize_named(name), "theirs.safetensors");
    ASSERT_EQ(
        run({"predict", "theirs.safetensors", "--architecture", "a48.json", "x48.npy", "--logits", "y48.npy"}).code, 0);
    const Arguments arguments = {
        "parity",  "ours.safetensors", "--architecture", "a48.json",         "--input",
        "x48.npy", "--expect",         "y48.npy",        "--positions-from", "weights.safetensors"};
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_NE(outcome.out.find("\nAgrees with positions resized as " + name + ".\n"), std::string::npos) << outcome.out;
  }
}

TEST(Parity, FindsSeveralCausesAtOnce) {
  const Parity parity;
  parity.plant([](const std::string& name, Values& values) {
    if (ends_with(name, "attn.proj.weight")) transpose(values, 0, kWidth);
  });
  const Values values = golden_values(parity.golden.inputs.at(0));
  parity.plant_input([&](size_t c, float, size_t i) { return values[i + (2 - 2 * c) * 32 * 32]; });
  const Outcome two = parity.run("y.npy");
  EXPECT_NE(two.out.find("\nAgrees with BGR in place of RGB together with attn.proj transposed.\n"), std::string::npos)
      << two.out;
  const Outcome four =
      parity.run("y.safetensors", {"--input", "x.npy", "--set", "act=relu", "--set", "norm_eps=1e-5", "--json"});
  const auto json = nlohmann::json::parse(four.out);
  ASSERT_GE(json["causes"].size(), 1u) << four.out;
  EXPECT_EQ(json["causes"][0].size(), 4u) << four.out;
  EXPECT_EQ(json["first"], "patch_embed");
}

TEST(Parity, TakesInputWithTheChannelsLastAndOutOfTheFile) {
  const Parity parity;
  const test::GoldenTensor& input = parity.golden.inputs.at(0);
  const Values values = golden_values(input);
  Values last(values.size());
  for (size_t b = 0; b < 2; ++b)
    for (size_t c = 0; c < 3; ++c)
      for (size_t i = 0; i < 1024; ++i) last[(b * 1024 + i) * 3 + c] = values[(b * 3 + c) * 1024 + i];
  formats::write_npy(parity.folder / "last.npy", formats::array_of(last, {2, 32, 32, 3}));
  EXPECT_EQ(parity.run("y.npy", {"--input", "last.npy"}).code, 0);

  formats::NamedArrays arrays = parity.golden.expect;
  arrays.emplace_back("input", formats::array_of(values, input.shape));
  arrays.emplace_back("something", formats::array_of(Values{1}, {1}));
  formats::write_safetensors(parity.folder / "all.safetensors", arrays);
  const Outcome own = parity.run("all.safetensors", {});
  EXPECT_EQ(own.code, 0) << own.out << own.err;
  EXPECT_NE(own.out.find("\nNot compared, since this model has none: something\n"), std::string::npos) << own.out;
  // The input that was given and the one of the file are compared first.
  parity.plant_input([&](size_t c, float, size_t i) { return values[i + (2 - 2 * c) * 32 * 32]; });
  const Outcome given = parity.run("all.safetensors");
  EXPECT_NE(given.out.find("\ninput parts first: "), std::string::npos) << given.out;
  EXPECT_NE(given.out.find("\nAgrees with BGR in place of RGB.\n"), std::string::npos) << given.out;
}

// Pictures, prepared as Preprocess has it but for one key.
Arguments ours(const std::string& change = "interpolation=bicubic") {
  Arguments arguments = {"--input", "pictures"};
  for (const std::string& key : {std::string("crop_pct=0.875"), std::string("mean=0.485,0.456,0.406"),
                                 std::string("std=0.229,0.224,0.225"), std::string("interpolation=bicubic"), change})
    arguments.insert(arguments.end(), {"--preprocess", key});
  return arguments;
}

// A folder with a PNG and a JPEG whose EXIF turns it, and what an original sees of them.
class ParityOfPictures : public Parity {
 public:
  ParityOfPictures() {
    std::filesystem::create_directories(folder / "pictures");
    image::Picture picture(45, 70, 3);
    for (size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<uint8_t>((i * i / 7 + i) % 251);
    write_atomically(folder / "pictures/a.png", image::encode_png(picture));
  }

  // Preprocesses the pictures as an original and writes its pixels, input and logits.
  void reference(const image::Preprocess& how, image::Orientation orientation) const {
    std::vector<uint8_t> pixels;
    Values input;
    int64_t count = 0;
    for (const char* name : {"a.png", "b.jpg"}) {
      const auto file = folder / "pictures" / name;
      if (!std::filesystem::exists(file)) continue;
      const image::Picture seen = image::fit(image::decode_file(file, {.orientation = orientation}), how);
      pixels.insert(pixels.end(), seen.pixels.begin(), seen.pixels.end());
      Values values(seen.pixels.size());
      image::normalise(seen, how, image::Layout::nchw, values.data());
      input.insert(input.end(), values.begin(), values.end());
      ++count;
    }
    const formats::Array x = formats::array_of(input, {count, 3, 32, 32});
    formats::write_npy(folder / "seen.npy", x);
    ASSERT_EQ(test::run_tessera(
                  {"predict", "weights.safetensors", "--architecture", "a.json", "seen.npy", "--logits", "y.npy"},
                  folder.path())
                  .code,
              0);
    const formats::Array logits = formats::read_npy(folder / "y.npy");
    formats::write_safetensors(
        folder / "y.safetensors",
        {{"logits", logits}, {"input", x}, {"pixels", formats::array_of(pixels, {count, 32, 32, 3})}});
  }
};

TEST(Parity, ComparesPicturesFirstAndNamesTheFilter) {
  const ParityOfPictures parity;
  image::Preprocess theirs{.height = 32, .width = 32, .interpolation = "bilinear"};
  parity.reference(theirs, image::Orientation::apply);
  parity.expect_cause("interpolation=bilinear", ours());
  EXPECT_NE(parity.run("y.safetensors", ours()).out.find("\npixels part first: by up to "), std::string::npos);
  EXPECT_EQ(parity.run("y.safetensors", ours("interpolation=bilinear")).code, 0);
  theirs.mean = theirs.std = {0.5, 0.5, 0.5};
  theirs.interpolation = "bicubic";
  parity.reference(theirs, image::Orientation::apply);
  parity.expect_cause("mean 0.5, std 0.5", ours());
  theirs.mean = image::Preprocess().mean;
  theirs.std = image::Preprocess().std;
  theirs.crop_mode = "squash";
  theirs.crop_pct = 1;
  parity.reference(theirs, image::Orientation::apply);
  parity.expect_cause("crop_mode=squash crop_pct=1", ours());
}

TEST(Parity, NamesALibraryWhereAllOfItsHabitsAreMissing) {
  const ParityOfPictures parity;
  parity.reference({.height = 32,
                    .width = 32,
                    .crop_mode = "squash",
                    .crop_pct = 1,
                    .interpolation = "bilinear",
                    .floor_crop = true,
                    .mean = {0.5, 0.5, 0.5},
                    .std = {0.5, 0.5, 0.5}},
                   image::Orientation::apply);
  parity.expect_cause("pictures prepared as usual in hf", ours());
}

TEST(Parity, NamesTheOrientation) {
  const auto turned = test::shared_path("images/awkward/exif_orientation_5.jpg");
  if (!turned) GTEST_SKIP() << "the shared pictures are not here";
  const ParityOfPictures parity;
  std::filesystem::copy_file(*turned, parity.folder / "pictures/b.jpg");
  parity.reference({.height = 32, .width = 32}, image::Orientation::ignore);
  parity.expect_cause("EXIF orientation ignored", ours());
  const Outcome outcome = parity.run("y.safetensors", ours());
  EXPECT_NE(outcome.out.find("most in pictures/b.jpg.\n"), std::string::npos) << outcome.out;
  Arguments stored = ours();
  stored.push_back("--no-exif");
  EXPECT_EQ(parity.run("y.safetensors", stored).code, 0);
}

TEST(Parity, SaysWhenNothingExplainsIt) {
  const Parity parity;
  parity.plant([](const std::string& name, Values& values) {
    if (name == "blocks.1.mlp.fc1.weight") values[5] += 1;
  });
  const Outcome outcome = parity.run("y.safetensors", {"--input", "x.npy", "--search", "1"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.out.find("\nblocks.1 parts first: "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("\nNone of "), std::string::npos) << outcome.out;
}

TEST(Parity, SaysInOneLineWhatIsMissing) {
  const Parity parity;
  const auto expect_error = [&](const std::string& expect, const Arguments& more, int code,
                                const std::string& message) {
    const Outcome outcome = parity.run(expect, more);
    EXPECT_EQ(outcome.code, code);
    EXPECT_EQ(outcome.err, "tessera: " + message + "\n");
  };
  expect_error("y.safetensors", {}, 1,
               "y.safetensors: it holds no 'input'; give what the original was given with --input PATH");
  formats::write_npy(parity.folder / "small.npy", formats::array_of(Values(3 * 16 * 16), {1, 3, 16, 16}));
  expect_error("y.npy", {"--input", "small.npy"}, 1,
               "small.npy: the model takes float32 (B, 3, 32, 32) or (B, 32, 32, 3), normalised, but this is F32 (1, "
               "3, 16, 16)");
  formats::write_safetensors(parity.folder / "other.safetensors", {{"a", formats::array_of(Values{1}, {1})}});
  expect_error("other.safetensors", {"--input", "x.npy"}, 1,
               "other.safetensors: it holds nothing of this model; its arrays: a");
  formats::write_npy(parity.folder / "nan.npy", formats::array_of(Values(20, NAN), {2, 10}));
  expect_error("nan.npy", {"--input", "x.npy"}, 1, "nan.npy: \"logits\" holds NaN, infinity or numbers beyond float32");
  expect_error("y.npy", {"--input", "x.npy", "--input", "x.npy"}, 2,
               "option '--input' takes one .npy file, or pictures");
  expect_error("y.npy", {"--input", "x.npy", "--tolerance", "-1"}, 2,
               "option '--tolerance' must be a number of at least 0, but it is '-1'");
  // Shapes that differ part, and say so.
  formats::write_npy(parity.folder / "nine.npy", formats::array_of(Values(18, 1), {2, 9}));
  const Outcome outcome = parity.run("nine.npy");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.out.find("\nlogits does not fit: ours (2, 10), the original's (2, 9).\n"), std::string::npos)
      << outcome.out;
}

}  // namespace
}  // namespace tessera
