// tessera pixels: exactly what a model sees of a picture, as a file.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "tessera/cli/describe.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/walk.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/formats/npy.h"
#include "tessera/image/decode.h"
#include "tessera/image/encode_png.h"
#include "tessera/image/geometry.h"
#include "tessera/image/preprocess_config.h"
#include "tessera/image/resize.h"
#include "tessera/models/registry.h"

namespace tessera::cli {
namespace {

namespace fs = std::filesystem;

struct PixelsOptions {
  std::string file, model, out, resize, filter = "bicubic", pillow = "13", crop, type = "u8";
  std::vector<std::string> preprocess;
  std::vector<double> box, mean, std;
  bool exif = true, floor_crop = false, gray = false;
  int64_t max_pixels = image::kMaxPixels;

  void visit(Options& o) {
    o("file", file, "a picture: JPEG, PNG, WebP, GIF, BMP or TIFF").positional().required().placeholder("FILE");
    o("exif", exif, "turns the picture as its EXIF says; timm, torchvision and Hugging Face do not");
    o("max_pixels", max_pixels, "of the picture; a larger one is refused").at_least(1);
    o.section("As a model sees it");
    o("model", model,
      "a model file, the folder of a run, a registered name, or preprocessor_config.json (Hugging Face) or "
      "config.json (timm), or a folder with one of them")
        .placeholder("MODEL");
    o("preprocess", preprocess, "changes how the model prepares pictures: crop_pct=0.9, mean=0.5,0.5,0.5 …")
        .placeholder("KEY=VALUE");
    o.section("Step by step, in this order");
    o("box", box, "LEFT,TOP,RIGHT,BOTTOM: the part that is resized, in pixels of the picture, fractions allowed");
    o("resize", resize, "both sides, or one number for the shorter side").placeholder("WxH|S");
    o("filter", filter, "of the resize").one_of({"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"});
    o("pillow", pillow, "Pillow version whose resize is matched").one_of({"13", "9.4"});
    o("crop", crop, "the centre, padded with 0 where it is smaller, or the part that begins at X, Y")
        .placeholder("WxH|WxH+X+Y");
    o("floor_crop", floor_crop, "rounds the centre's offset down, as Hugging Face does");
    o("gray", gray, "one channel: the luma");
    o("mean", mean, "with --type f32: subtracted from each channel of [0, 1]");
    o("std", std, "with --type f32: divides each channel after that").above(0);
    o.section("Output");
    o("out", out, "where to").placeholder("FILE.npy|FILE.png").required();
    o("type", type, "of an .npy: u8, pixels (H, W, C), or f32, normalised (1, C, H, W)").one_of({"u8", "f32"});
  }
};

// The numbers of "300x200+10+5" between the given separators; nothing where the text is not of that form.
std::optional<std::vector<int64_t>> numbers_of(std::string_view text, std::string_view separators) {
  std::vector<int64_t> numbers;
  for (size_t i = 0; i <= separators.size(); ++i) {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number < 0 || number > image::kMaxSide) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    numbers.push_back(number);
    if (i == separators.size()) break;
    if (text.empty() || text[0] != separators[i]) return std::nullopt;
    text.remove_prefix(1);
  }
  if (!text.empty()) return std::nullopt;
  return numbers;
}

// The sides of `text` for a picture of that size.
std::pair<int64_t, int64_t> resized_size(const std::string& text, int64_t height, int64_t width) {
  if (const auto sides = numbers_of(text, "x"); sides && (*sides)[0] > 0 && (*sides)[1] > 0)
    return {(*sides)[1], (*sides)[0]};
  const auto side = numbers_of(text, "");
  if (!side || (*side)[0] == 0)
    fail_usage("option '--resize' takes WxH or the length of the shorter side, but it is '{}'", text);
  const int64_t s = (*side)[0];
  return width <= height ? std::pair{s * height / width, s} : std::pair{s, s * width / height};
}

image::Rectangle crop_of(const std::string& text, const image::Picture& picture, bool floor) {
  if (const auto part = numbers_of(text, "x++"); part && (*part)[0] > 0 && (*part)[1] > 0)
    return {(*part)[3], (*part)[2], (*part)[1], (*part)[0]};
  const auto sides = numbers_of(text, "x");
  if (!sides || (*sides)[0] == 0 || (*sides)[1] == 0)
    fail_usage("option '--crop' takes WxH or WxH+X+Y, but it is '{}'", text);
  const int64_t height = (*sides)[1], width = (*sides)[0];
  return {image::crop_offset(picture.height, height, floor), image::crop_offset(picture.width, width, floor), height,
          width};
}

image::Picture step_by_step(image::Picture picture, const PixelsOptions& o) {
  if (!o.box.empty() && o.box.size() != 4)
    fail_usage("option '--box' takes LEFT,TOP,RIGHT,BOTTOM, but it has {} numbers", o.box.size());
  if (!o.box.empty() && o.resize.empty()) fail_usage("option '--box' is for '--resize'; '--crop WxH+X+Y' cuts out");
  if (o.gray) picture = image::with_channels(std::move(picture), 1);
  if (!o.resize.empty()) {
    const auto [height, width] = resized_size(o.resize, picture.height, picture.width);
    image::Resize how{.height = height,
                      .width = width,
                      .filter = image::filter_named(o.filter),
                      .pillow = image::pillow_named(o.pillow)};
    const auto edge = [&](size_t i) { return static_cast<float>(o.box[i]); };
    if (!o.box.empty()) how.box = image::Box{edge(0), edge(1), edge(2), edge(3)};
    picture = image::resize(picture, how);
  }
  if (!o.crop.empty()) picture = image::window(picture, crop_of(o.crop, picture, o.floor_crop));
  return picture;
}

// The file of that name that says how pictures are prepared, or nothing.
std::optional<image::Preprocess> described_by(const fs::path& path) {
  if (!fs::is_regular_file(path)) return std::nullopt;
  return image::preprocess_from(read_text(path), path.string());
}

image::Preprocess preprocess_of(const std::string& model) {
  std::error_code unreadable;
  if (!fs::exists(model, unreadable)) {
    const auto& known = models::registry().variants;
    TESSERA_CHECK(known.contains(model), "{}: there is no file and no model of this name{}", model,
                  did_you_mean(model, known.names()));
    return infer::default_preprocess(*models::build(models::architecture_of(model)));
  }
  if (lower_extension(model) == ".json") {
    const auto how = described_by(model);
    TESSERA_CHECK(how, "{}: it does not say how pictures are prepared", model);
    return *how;
  }
  if (fs::is_directory(model, unreadable)) {  // a folder of configs without weights will do
    for (const char* name : {"preprocessor_config.json", "config.json"})
      if (const auto how = described_by(fs::path(model) / name)) return *how;
  }
  return infer::Classifier::load(model_file(model)).preprocess();
}

std::vector<float> normalised(const image::Picture& picture, image::Preprocess how, const PixelsOptions& o) {
  const auto channels = static_cast<size_t>(picture.channels);
  if (o.model.empty()) {
    how.mean = o.mean.empty() ? std::vector<double>(channels, 0) : o.mean;
    how.std = o.std.empty() ? std::vector<double>(channels, 1) : o.std;
    if (how.mean.size() != channels || how.std.size() != channels)
      fail_usage("options '--mean' and '--std' take {} numbers each", channels);
  }
  std::vector<float> values(picture.pixels.size());
  image::normalise(picture, how, image::Layout::nchw, values.data());
  return values;
}

// "137.75 118.01 93.20"
std::string channel_means(const image::Picture& picture) {
  std::vector<double> sums(static_cast<size_t>(picture.channels));
  for (size_t i = 0; i < picture.pixels.size(); ++i) sums[i % sums.size()] += picture.pixels[i];
  std::string text;
  for (const double sum : sums)
    text += fmt::format("{}{:.2f}", text.empty() ? "" : " ", sum / static_cast<double>(picture.height * picture.width));
  return text;
}

void check_choice(const Options& options, const PixelsOptions& o) {
  const std::string ending = lower_extension(o.out);
  if (ending != ".npy" && ending != ".png")
    fail_usage("option '--out' takes FILE.npy or FILE.png, but it is '{}'", o.out);
  if (ending == ".png" && o.type == "f32") fail_usage("'--type f32' needs an .npy to write to, not '{}'", o.out);
  if (o.model.empty() && !o.preprocess.empty()) fail_usage("option '--preprocess' changes what --model does; give one");
  for (const char* name : {"box", "resize", "filter", "pillow", "crop", "floor_crop", "gray", "mean", "std"}) {
    if (!o.model.empty() && options.is_set(name))
      fail_usage("option '{}' is a step of its own; with '--model', '--preprocess KEY=VALUE' changes a step",
                 options.source_of(name));
  }
  if (o.type != "f32" && (!o.mean.empty() || !o.std.empty()))
    fail_usage("options '--mean' and '--std' are for '--type f32'");
}

int pixels(const Arguments& arguments) {
  PixelsOptions o;
  Options options("tessera pixels FILE --out FILE.npy|FILE.png [OPTIONS]",
                  "Writes what a model sees of a picture: decoded, resized, cropped; 8-bit pixels, or normalised.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  check_choice(options, o);
  const auto orientation = o.exif ? image::Orientation::apply : image::Orientation::ignore;
  const image::Picture picture =
      image::decode_file(o.file, {.orientation = orientation, .max_pixels = o.max_pixels});  // (H, W, 3)
  image::Preprocess how;
  if (!o.model.empty()) {
    how = changed(preprocess_of(o.model), o.preprocess);
    image::check(how);
  }
  const image::Picture seen = o.model.empty() ? step_by_step(picture, o) : image::fit(picture, how);
  const Shape shape{seen.height, seen.width, seen.channels};
  if (lower_extension(o.out) == ".png") {
    write_atomically(o.out, image::encode_png(seen));
  } else if (o.type == "u8") {
    formats::write_npy(o.out, formats::view_of<uint8_t>(seen.pixels, shape));
  } else {
    formats::write_npy(o.out, formats::array_of(normalised(seen, how, o), {1, shape[2], shape[0], shape[1]}));
  }
  print("{}: {} x {} pixels{}{}\n{}: {} x {} pixels, {}, mean {}\n", o.file, picture.width, picture.height,
        o.model.empty() ? "" : "; ", o.model.empty() ? "" : describe(how), o.out, seen.width, seen.height,
        o.type == "u8" ? "uint8" : "float32; before it in uint8", channel_means(seen));
  return 0;
}

}  // namespace

void register_pixels(Registry& registry) { registry.add("pixels", {"writes what a model sees of a picture", pixels}); }

}  // namespace tessera::cli
