// GIF, BMP and WebP beyond the reference files: variants written here by hand, cut off and corrupt ones.
#include <gtest/gtest.h>

#include <bit>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/decode.h"
#include "tests/support.h"

namespace tessera::image {
namespace {

using test::error_of;
using test::shared_path;
using Bytes = std::vector<std::byte>;

class Writer {
 public:
  Writer& u8(uint32_t value) { return number(value, 1); }
  Writer& u16(uint32_t value) { return number(value, 2); }
  Writer& u32(uint32_t value) { return number(value, 4); }
  Writer& text(std::string_view text) {
    for (char c : text) u8(static_cast<uint8_t>(c));
    return *this;
  }
  Writer& list(std::initializer_list<uint32_t> values) {
    for (uint32_t value : values) u8(value);
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Writer& number(uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(value >> 8 * i & 0xFF));
    return *this;
  }
  Bytes bytes_;
};

std::vector<uint8_t> reds(const Picture& picture) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < picture.pixels.size(); i += 3) out.push_back(picture.pixels[i]);
  return out;
}

// Two-bit indices as LZW data that never grow beyond codes of 3 bits: a clear code (4) before every other index.
void put_gif_data(Writer& writer, const std::vector<uint32_t>& indices) {
  std::vector<uint32_t> codes;
  for (size_t i = 0; i < indices.size(); ++i) {
    if (i % 2 == 0) codes.push_back(4);
    codes.push_back(indices[i]);
  }
  codes.push_back(5);
  writer.u8(2).u8(static_cast<uint32_t>((codes.size() * 3 + 7) / 8));
  uint32_t bits = 0;
  int count = 0;
  for (uint32_t code : codes) {
    bits |= code << count;
    count += 3;
    for (; count >= 8; count -= 8, bits >>= 8) writer.u8(bits & 0xFF);
  }
  if (count > 0) writer.u8(bits);
  writer.u8(0);
}

// A screen of width x height pixels with the palette 10, 11, 12, 13.
Writer gif_screen(uint32_t width, uint32_t height) {
  Writer writer;
  writer.text("GIF89a").u16(width).u16(height).list({0x81, 0, 0});
  for (uint32_t i = 0; i < 4; ++i) writer.list({10 + i, 0, 0});
  return writer;
}

TEST(DecodeGif, PutsTheFirstImageOnItsScreen) {
  Writer writer = gif_screen(3, 3);
  writer.list({0x21, 0xFE, 2, 'h', 'i', 0});          // a comment
  writer.list({0x21, 0xF9, 4, 0x01, 0, 0, 3, 0});     // colour 3 is transparent
  writer.u8(0x2C).u16(1).u16(1).u16(2).u16(2).u8(0);  // at (1, 1), 2 x 2
  put_gif_data(writer, {0, 1, 2, 0});
  writer.u8(0x3B);
  EXPECT_EQ(reds(decode(writer.bytes(), "x.gif")), (std::vector<uint8_t>{13, 13, 13, 13, 10, 11, 13, 12, 10}));
}

TEST(DecodeGif, ReadsInterlacedRowsAndPalettesOfAnImage) {
  Writer writer = gif_screen(1, 9);
  writer.u8(0x2C).u16(0).u16(0).u16(1).u16(9).u8(0xC0);  // interlaced, two colours of its own
  writer.list({70, 1, 2, 80, 3, 4});
  put_gif_data(writer, {0, 1, 1, 0, 0, 1, 0, 1, 2});  // rows 0 8, 4, 2 6, 1 3 5 7; the palette has no colour 2
  const Picture picture = decode(writer.bytes(), "x.gif");
  EXPECT_EQ(reds(picture), (std::vector<uint8_t>{70, 80, 70, 70, 80, 80, 70, 2, 80}));
  EXPECT_EQ(picture.at(1, 0, 2), 4);
}

TEST(DecodeGif, GrowsWithItsImageAndRefusesWhatIsTooLarge) {
  Writer writer = gif_screen(1, 1);
  writer.u8(0x2C).u16(1).u16(0).u16(2).u16(1).u8(0);
  put_gif_data(writer, {3, 3});
  EXPECT_EQ(reds(decode(writer.bytes(), "x.gif")), (std::vector<uint8_t>{10, 13, 13}));
  EXPECT_EQ(error_of([&] { decode(writer.bytes(), "x.gif", {.max_pixels = 2}); }),
            "x.gif: 3 x 1 pixels are more than the 2 that max_pixels allows");
}

TEST(DecodeGif, NamesWhatIsBroken) {
  Writer empty = gif_screen(1, 1), none = gif_screen(1, 1), nonsense = gif_screen(4, 1);
  empty.u8(0x2C).u16(0).u16(0).u16(0).u16(1).u8(0);
  none.u8(0x3B);
  nonsense.u8(0x2C).u16(0).u16(0).u16(4).u16(1).u8(0).list({2, 1, 0xFC, 0});  // code 4, then code 7, which is not yet
  EXPECT_EQ(error_of([&] { decode(empty.bytes(), "x.gif"); }), "x.gif: broken GIF: its first image is empty");
  EXPECT_EQ(error_of([&] { decode(none.bytes(), "x.gif"); }), "x.gif: broken GIF: there is no image in it");
  EXPECT_EQ(error_of([&] { decode(nonsense.bytes(), "x.gif"); }),
            "x.gif: broken GIF: its compressed data make no sense");
}

struct Bitmap {
  uint32_t width, bits, compression = 0;
  int32_t height = 1;
  std::vector<std::array<uint32_t, 3>> palette = {};  // blue, green, red
  std::vector<uint32_t> masks = {};
  bool os2 = false;
};

Writer bmp(const Bitmap& bitmap) {
  Writer writer;
  writer.text("BM").u32(0).u32(0);
  const auto colours = static_cast<uint32_t>(bitmap.palette.size());
  const auto masks = static_cast<uint32_t>(bitmap.masks.size());
  writer.u32(bitmap.os2 ? 26 + 3 * colours : 54 + 4 * (colours + masks));
  if (bitmap.os2) {
    writer.u32(12).u16(bitmap.width).u16(static_cast<uint32_t>(bitmap.height)).u16(1).u16(bitmap.bits);
  } else {
    writer.u32(40).u32(bitmap.width).u32(static_cast<uint32_t>(bitmap.height)).u16(1).u16(bitmap.bits);
    writer.u32(bitmap.compression).u32(0).u32(0).u32(0).u32(colours).u32(0);
  }
  for (uint32_t mask : bitmap.masks) writer.u32(mask);
  for (const auto& [blue, green, red] : bitmap.palette) {
    writer.list({blue, green, red});
    if (!bitmap.os2) writer.u8(0);
  }
  return writer;
}

const std::vector<std::array<uint32_t, 3>> kFour = {{{1, 0, 20}, {2, 0, 30}, {3, 0, 40}, {4, 0, 50}}};

TEST(DecodeBmp, ReadsIndicesOfEveryWidth) {
  Writer one = bmp({.width = 10, .bits = 1, .palette = {{1, 0, 7}, {2, 0, 8}}});
  one.list({0b10110000, 0b01000000, 0, 0});
  EXPECT_EQ(reds(decode(one.bytes(), "x.bmp")), (std::vector<uint8_t>{8, 7, 8, 8, 7, 7, 7, 7, 7, 8}));
  Writer four = bmp({.width = 3, .bits = 4, .height = 2, .palette = kFour});
  four.list({0x01, 0x20, 0, 0, 0x33, 0x50, 0, 0});  // the lower row first; index 5 is beyond the palette
  EXPECT_EQ(reds(decode(four.bytes(), "x.bmp")), (std::vector<uint8_t>{50, 50, 5, 20, 30, 40}));
  EXPECT_EQ(decode(four.bytes(), "x.bmp").at(1, 1, 2), 2);
  Writer eight = bmp({.width = 2, .bits = 8, .height = -2, .palette = kFour});
  eight.list({0, 1, 0, 0, 2, 3, 0, 0});  // the upper row first
  EXPECT_EQ(reds(decode(eight.bytes(), "x.bmp")), (std::vector<uint8_t>{20, 30, 40, 50}));
  Writer os2 = bmp({.width = 2, .bits = 4, .palette = kFour, .os2 = true});
  os2.list({0x13, 0, 0, 0});
  EXPECT_EQ(reds(decode(os2.bytes(), "x.bmp")), (std::vector<uint8_t>{30, 50}));
}

TEST(DecodeBmp, ReadsColoursByTheirMasks) {
  const auto only = [](Writer writer, std::initializer_list<uint32_t> row) {
    return decode(writer.list(row).bytes(), "x.bmp").pixels;
  };
  using Pixels = std::vector<uint8_t>;
  EXPECT_EQ(only(bmp({.width = 1, .bits = 24}), {1, 2, 3, 0}), (Pixels{3, 2, 1}));
  EXPECT_EQ(only(bmp({.width = 1, .bits = 32}), {1, 2, 3, 99}), (Pixels{3, 2, 1}));
  EXPECT_EQ(only(bmp({.width = 1, .bits = 16}), {0x41, 0x44, 0, 0}), (Pixels{17 * 255 / 31, 2 * 255 / 31, 255 / 31}));
  EXPECT_EQ(
      only(bmp({.width = 1, .bits = 16, .compression = 3, .masks = {0xF800, 0x07E0, 0x001F}}), {0x3F, 0x80, 0, 0}),
      (Pixels{16 * 255 / 31, 255 / 63, 255}));
  EXPECT_EQ(only(bmp({.width = 1, .bits = 32, .compression = 3, .masks = {0xFF, 0xFF00, 0xFF0000}}), {1, 2, 3, 4}),
            (Pixels{1, 2, 3}));
}

TEST(DecodeBmp, ReadsRuns) {
  Writer eight = bmp({.width = 4, .bits = 8, .compression = 1, .height = 3, .palette = kFour});
  eight.list({2, 1, 0, 3, 2, 3, 1, 0});  // two of colour 1, then 2 3 1 as they are: one pixel too many
  eight.list({0, 0, 0, 2, 1, 1, 5, 3});  // next row; one to the right and one up; a run that is too long
  eight.list({0, 1});
  EXPECT_EQ(reds(decode(eight.bytes(), "x.bmp")),
            (std::vector<uint8_t>{20, 50, 50, 50, 20, 20, 20, 20, 30, 30, 40, 50}));
  Writer four = bmp({.width = 6, .bits = 4, .compression = 2, .palette = kFour});
  four.list({3, 0x12, 0, 3, 0x32, 0x10, 0, 1});  // 1 2 1, then 3 2 1
  EXPECT_EQ(reds(decode(four.bytes(), "x.bmp")), (std::vector<uint8_t>{30, 40, 30, 50, 40, 30}));
}

TEST(DecodeBmp, RefusesBeforeItTakesMemory) {
  const Bitmap large{.width = 13'000, .bits = 24, .height = 13'000};
  EXPECT_EQ(error_of([&] { decode(bmp(large).bytes(), "x.bmp"); }), "x.bmp: broken BMP: the file is cut off");
  EXPECT_EQ(error_of([] { decode(bmp({.width = 2'000'000, .bits = 8}).bytes(), "x.bmp"); }),
            "x.bmp: 2000000 x 1 pixels; no side may be longer than 1000000 pixels");
  EXPECT_EQ(error_of([] { decode(bmp({.width = 1, .bits = 7}).bytes(), "x.bmp"); }),
            "x.bmp: a BMP with 7 bits a pixel and compression 0 cannot be read; convert it to PNG");
  EXPECT_EQ(error_of([] { decode(bmp({.width = 0, .bits = 8}).bytes(), "x.bmp"); }),
            "x.bmp: broken BMP: it has 0 x 1 pixels");
}

struct Field {
  uint32_t tag;
  std::vector<uint32_t> values;
};

// A little-endian file with its one strip (or a strip for each plane) behind the header. All values are LONGs.
Bytes tiff(std::vector<Field> fields, const std::vector<std::vector<uint32_t>>& strips) {
  Writer writer;
  writer.text("II*").u8(0);
  uint32_t size = 0, at = 8;
  for (const auto& strip : strips) size += static_cast<uint32_t>(strip.size());
  writer.u32(8 + size);
  Field offsets{273, {}}, sizes{279, {}};
  for (const auto& strip : strips) {
    for (uint32_t value : strip) writer.u8(value);
    offsets.values.push_back(at);
    sizes.values.push_back(static_cast<uint32_t>(strip.size()));
    at += static_cast<uint32_t>(strip.size());
  }
  fields.push_back(offsets);
  fields.push_back(sizes);
  writer.u16(static_cast<uint32_t>(fields.size()));
  uint32_t outside = at + 2 + 12 * static_cast<uint32_t>(fields.size()) + 4;
  for (const Field& field : fields) {
    writer.u16(field.tag).u16(4).u32(static_cast<uint32_t>(field.values.size()));
    writer.u32(field.values.size() == 1 ? field.values[0] : outside);
    if (field.values.size() > 1) outside += 4 * static_cast<uint32_t>(field.values.size());
  }
  writer.u32(0);
  for (const Field& field : fields)
    for (size_t i = 0; field.values.size() > 1 && i < field.values.size(); ++i) writer.u32(field.values[i]);
  return writer.bytes();
}

std::vector<Field> size_of(uint32_t width, uint32_t height, uint32_t photometric, std::vector<uint32_t> bits) {
  const auto samples = static_cast<uint32_t>(bits.size());
  return {{256, {width}}, {257, {height}}, {258, std::move(bits)}, {262, {photometric}}, {277, {samples}}};
}

TEST(DecodeTiff, ReadsGrayPalettesAndColours) {
  using Pixels = std::vector<uint8_t>;
  EXPECT_EQ(reds(decode(tiff(size_of(10, 1, 0, {1}), {{0b10110000, 0b01000000}}), "x.tif")),
            (Pixels{0, 255, 0, 0, 255, 255, 255, 255, 255, 0}));
  EXPECT_EQ(reds(decode(tiff(size_of(3, 1, 1, {4}), {{0x0F, 0x80}}), "x.tif")), (Pixels{0, 255, 8 * 17}));
  EXPECT_EQ(reds(decode(tiff(size_of(3, 1, 1, {16}), {{7, 0, 0, 1, 255, 255}}), "x.tif")), (Pixels{7, 255, 255}));
  std::vector<Field> palette = size_of(2, 1, 3, {1});
  palette.push_back({320, {0x100, 0xFF00, 0x200, 0xFE00, 0x300, 0xFD00}});
  EXPECT_EQ(decode(tiff(palette, {{0b01000000}}), "x.tif").pixels, (Pixels{1, 2, 3, 255, 254, 253}));
  EXPECT_EQ(decode(tiff(size_of(1, 1, 2, {16, 16, 16}), {{9, 1, 9, 2, 9, 3}}), "x.tif").pixels, (Pixels{1, 2, 3}));
  std::vector<Field> premultiplied = size_of(2, 1, 2, {8, 8, 8, 8}), planes = size_of(2, 1, 2, {8, 8, 8});
  premultiplied.push_back({338, {1}});
  EXPECT_EQ(decode(tiff(premultiplied, {{50, 20, 200, 100, 1, 2, 3, 0}}), "x.tif").pixels,
            (Pixels{127, 51, 255, 0, 0, 0}));
  planes.push_back({284, {2}});
  EXPECT_EQ(decode(tiff(planes, {{1, 2}, {3, 4}, {5, 6}}), "x.tif").pixels, (Pixels{1, 3, 5, 2, 4, 6}));
  EXPECT_EQ(decode(tiff(size_of(1, 1, 5, {8, 8, 8, 8}), {{0, 255, 0, 51}}), "x.tif").pixels, (Pixels{204, 0, 204}));
}

TEST(DecodeTiff, UndoesCompressionsAndDifferences) {
  const auto gray = [](uint32_t compression, uint32_t predictor, const std::vector<uint32_t>& strip) {
    std::vector<Field> fields = size_of(6, 1, 1, {8});
    fields.push_back({259, {compression}});
    fields.push_back({317, {predictor}});
    return reds(decode(tiff(fields, {strip}), "x.tif"));
  };
  const std::vector<uint8_t> expected = {7, 7, 7, 7, 9, 8};
  EXPECT_EQ(gray(32773, 1, {253, 7, 128, 1, 9, 8}), expected);
  const auto lzw = [](const std::vector<uint32_t>& codes) {  // of 9 bits
    std::vector<uint32_t> bytes((9 * codes.size() + 7) / 8);
    for (size_t i = 0; i < 9 * codes.size(); ++i) bytes[i / 8] |= (codes[i / 9] >> (8 - i % 9) & 1) << (7 - i % 8);
    return bytes;
  };
  EXPECT_EQ(gray(5, 1, lzw({256, 7, 258, 7, 9, 8, 257})), expected);  // 258, not yet known: 7 7
  EXPECT_EQ(gray(5, 2, lzw({256, 7, 0, 0, 0, 2, 255, 257})), expected);
  EXPECT_EQ(gray(32773, 2, {5, 7, 7, 7, 7, 9, 8}), expected);  // where differences mean nothing
  EXPECT_EQ(error_of([&] { gray(5, 1, {0x80, 0x7F, 0xFF, 0xFF, 0xFF}); }), "x.tif: broken TIFF: the file is cut off");
}

TEST(DecodeTiff, NamesWhatItCannotRead) {
  std::vector<Field> jpeg = size_of(1, 1, 2, {8, 8, 8});
  jpeg.push_back({259, {7}});
  EXPECT_EQ(error_of([&] {
              decode(tiff(jpeg, {{0, 0, 0}}), "x.tif");
            }),
            "x.tif: a TIFF with 3 samples of 8 bits, photometric 2, compression 7, predictor 1 cannot be read; convert "
            "it to PNG");
  EXPECT_EQ(error_of([&] { decode(tiff(size_of(13'000, 13'000, 1, {8}), {{1}}), "x.tif"); }),
            "x.tif: broken TIFF: the file is cut off");
  EXPECT_EQ(error_of([&] { decode(tiff(size_of(0, 1, 1, {8}), {{1}}), "x.tif"); }),
            "x.tif: broken TIFF: it has no pixels");
}

TEST(DecodeTiff, CorruptIsAPictureOrOneLine) {
  std::vector<Field> lzw = size_of(6, 1, 1, {8}), rgb = size_of(4, 3, 2, {8, 8, 8});
  lzw.push_back({259, {5}});
  for (const Bytes& sound : {tiff(lzw, {{128, 1, 224, 64, 96, 36, 4, 4}}), tiff(rgb, {std::vector<uint32_t>(36, 9)})}) {
    uint32_t state = 1;
    for (int trial = 0; trial < 3000; ++trial) {
      Bytes bad = sound;
      for (int i = 0; i < 1 + trial % 3; ++i) {
        state = state * 1664525 + 1013904223;
        bad[(state >> 8) % bad.size()] = static_cast<std::byte>(state >> 3);
      }
      const std::string message = error_of([&] {
        const Picture picture = decode(bad, "x.tif", {.max_pixels = 1'000'000});
        EXPECT_EQ(picture.pixels.size(), static_cast<size_t>(picture.height * picture.width * 3));
      });
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
  }
}

class Awkward : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const auto path = shared_path(std::string("images/awkward/") + GetParam());
    if (!path) GTEST_SKIP() << "no shared/images";
    bytes_ = read_file(*path);
  }
  Bytes bytes_;
};

TEST_P(Awkward, CutOffIsOneLine) {
  for (size_t size = 16; size + 2 < bytes_.size(); size += 1 + bytes_.size() / 97) {
    const std::string message = error_of([&] { decode(std::span(bytes_).first(size), GetParam()); });
    EXPECT_EQ(message.find(GetParam()), 0u) << size << " " << message;
    EXPECT_NE(message.find("cut off"), std::string::npos) << size << " " << message;
  }
}

TEST_P(Awkward, CorruptIsAPictureOrOneLine) {
  uint32_t state = 1;
  for (int trial = 0; trial < 300; ++trial) {
    Bytes bad = bytes_;
    for (int i = 0; i < 3; ++i) {
      state = state * 1664525 + 1013904223;
      bad[(state >> 8) % (trial % 2 ? bad.size() : std::min<size_t>(bad.size(), 100))] =
          static_cast<std::byte>(state >> 3);
    }
    const std::string message = error_of([&] {
      const Picture picture = decode(bad, GetParam(), {.max_pixels = 1'000'000});
      EXPECT_EQ(picture.pixels.size(), static_cast<size_t>(picture.height * picture.width * 3));
    });
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(DecodeFormats, Awkward,
                         testing::Values("gif.gif", "bmp_pal8rle.bmp", "webp_alpha.webp", "webp_lossy.webp"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace tessera::image
