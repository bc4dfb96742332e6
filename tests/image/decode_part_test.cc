// What is decoded of a part of a picture is what is decoded of the whole.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/random.h"
#include "tessera/image/augment.h"
#include "tessera/image/decode.h"
#include "tessera/image/geometry.h"
#include "tessera/image/preprocess.h"
#include "tests/support.h"

namespace tessera::image {
namespace {

using test::error_of;
using test::shared_path;

// How a JPEG is stored.
struct Storage {
  int components = 3;
  std::array<int, 2> sampling = {2, 2};  // of luma, chroma is (1, 1)
  bool progressive = false;
  bool coarse = false;  // progressive, and only the coefficients' averages are there: libjpeg smooths the blocks
  int restart = 0;      // blocks between restart markers
  bool arithmetic = false;
  bool separate = false;  // a scan for each component
};

// Noise that is smooth enough for neighbours to matter.
std::vector<std::byte> make_jpeg(int64_t height, int64_t width, const Storage& how) {
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = how.components;
  info.in_color_space = how.components == 1 ? JCS_GRAYSCALE : how.components == 4 ? JCS_CMYK : JCS_RGB;
  jpeg_set_defaults(&info);
  info.comp_info[0].h_samp_factor = how.sampling[0];
  info.comp_info[0].v_samp_factor = how.sampling[1];
  info.restart_interval = static_cast<unsigned>(how.restart);
  info.arith_code = how.arithmetic ? TRUE : FALSE;
  if (how.progressive) jpeg_simple_progression(&info);
  const jpeg_scan_info averages = {3, {0, 1, 2}, 0, 0, 0, 0};
  if (how.coarse) {
    info.scan_info = &averages;
    info.num_scans = 1;
  }
  const jpeg_scan_info separate[] = {{1, {0}, 0, 63, 0, 0}, {1, {1}, 0, 63, 0, 0}, {1, {2}, 0, 63, 0, 0}};
  if (how.separate) {
    info.scan_info = separate;
    info.num_scans = 3;
  }
  jpeg_start_compress(&info, TRUE);
  Random random(1, "test", static_cast<uint64_t>(height), static_cast<uint64_t>(width));
  std::vector<JSAMPLE> row(static_cast<size_t>(width * how.components));
  while (info.next_scanline < info.image_height) {
    for (JSAMPLE& value : row) value = static_cast<JSAMPLE>((3 * value + random.below(256)) / 4);
    JSAMPROW rows[] = {row.data()};
    jpeg_write_scanlines(&info, rows, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  std::vector<std::byte> result(begin, begin + size);
  std::free(bytes);
  return result;
}

Rectangle draw_part(int64_t height, int64_t width, Random& random) {
  const auto draw = [&](int64_t n) { return static_cast<int64_t>(random.below(static_cast<uint64_t>(n))); };
  const int64_t top = draw(height), left = draw(width);
  return {top, left, 1 + draw(height - top), 1 + draw(width - left)};
}

// `count` parts at random.
void expect_parts(const std::vector<std::byte>& bytes, const std::string& name, int count) {
  const Picture whole = decode(bytes, name);
  Random random(2, name);
  for (int i = 0; i < count; ++i) {
    const Rectangle part = draw_part(whole.height, whole.width, random);
    const Picture partly = decode(bytes, name, {.need = [&](int64_t height, int64_t width) {
                                    EXPECT_EQ(height, whole.height);
                                    EXPECT_EQ(width, whole.width);
                                    return part;
                                  }});
    ASSERT_EQ(partly.pixels.size(), whole.pixels.size());
    ASSERT_EQ(window(partly, part), window(whole, part))
        << name << ": " << part.width << "x" << part.height << " at " << part.left << ", " << part.top;
  }
}

TEST(DecodePart, GivesThePixelsOfTheWholeForEveryStorage) {
  const std::vector<Storage> storages = {{.sampling = {1, 1}},
                                         {.sampling = {2, 1}},
                                         {.sampling = {1, 2}},
                                         {.sampling = {2, 2}},
                                         {.sampling = {4, 1}},
                                         {.sampling = {4, 2}},
                                         {.sampling = {1, 4}},
                                         {.components = 1, .sampling = {1, 1}},
                                         {.components = 4, .sampling = {1, 1}},
                                         {.restart = 3},
                                         {.progressive = true},
                                         {.sampling = {2, 1}, .progressive = true},
                                         {.progressive = true, .coarse = true},
                                         {.sampling = {1, 1}, .progressive = true, .coarse = true},
                                         {.arithmetic = true},
                                         {.components = 1, .sampling = {2, 2}},
                                         {.separate = true}};
  for (const auto& [height, width] : {std::pair<int64_t, int64_t>{97, 150}, {64, 64}, {150, 33}, {5, 7}, {1, 1}}) {
    for (size_t i = 0; i < storages.size(); ++i) {
      const std::string name = fmt::format("storage {} of {}x{}", i, width, height);
      expect_parts(make_jpeg(height, width, storages[i]), name, 60);
    }
  }
}

// Bytes overwritten, or the end cut off.
std::vector<std::byte> damaged(std::vector<std::byte> bytes, Random& random) {
  const auto draw = [&](size_t n) { return static_cast<size_t>(random.below(n)); };
  if (random.coin(0.3)) {
    bytes.resize(1 + draw(bytes.size()));
  } else {
    const size_t head = random.coin(0.5) ? bytes.size() : 700;  // where most can be wrong
    for (int i = 0; i < 3; ++i) bytes[draw(std::min(bytes.size(), head))] = static_cast<std::byte>(draw(256));
  }
  return bytes;
}

TEST(DecodePart, DamageIsFoundOutsideOfThePartToo) {
  int errors = 0;
  for (const Storage& storage : {Storage{}, Storage{.restart = 2}, Storage{.progressive = true}}) {
    const std::vector<std::byte> bytes = make_jpeg(70, 90, storage);
    Random random(3, "test");
    for (int i = 0; i < 300; ++i) {
      const std::vector<std::byte> bad = damaged(bytes, random);
      Picture whole, partly;
      Rectangle part{};
      const std::string error = error_of([&] { whole = decode(bad, "x"); });
      const std::string error_of_part = error_of([&] {
        partly = decode(
            bad, "x", {.need = [&](int64_t height, int64_t width) { return part = draw_part(height, width, random); }});
      });
      ASSERT_EQ(error_of_part, error);
      errors += !error.empty();
      if (error.empty() && part.width > 0) {
        ASSERT_EQ(window(partly, part), window(whole, part));
      }
    }
  }
  EXPECT_GT(errors, 200);
}

TEST(DecodePart, AModelSeesTheSamePhotos) {
  const auto shared = shared_path("images");
  if (!shared) GTEST_SKIP() << "no shared/images";
  Preprocess squash, small, tall;
  squash.crop_mode = "squash";
  small.height = small.width = 32;
  tall.height = 384;
  tall.interpolation = "lanczos";
  Augmentation crops;
  crops.random_resized_crop = true;
  int photos = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared)) {
    const std::string path = entry.path().string();
    Picture whole;
    if (!entry.is_regular_file() || !error_of([&] { whole = decode_file(path); }).empty()) continue;
    SCOPED_TRACE(path);
    for (const Preprocess& how : {Preprocess{}, squash, small, tall})
      EXPECT_EQ(fit(decode_file(path, {.need = need_of(how)}), how), fit(whole, how));
    for (uint64_t i = 0; i < 5; ++i) {
      const Random random(1, "test", 0, i);
      const Preprocess how;
      const Picture part = decode_file(path, {.need = need_of(crops, how, random)});
      EXPECT_EQ(augment(part, crops, how, random), augment(whole, crops, how, random));
    }
    ++photos;
  }
  EXPECT_GT(photos, 25);
}

}  // namespace
}  // namespace tessera::image
