#include "tessera/image/decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/encode_png.h"
#include "tessera/image/exif.h"
#include "tessera/image/format.h"
#include "tessera/image/geometry.h"
#include "tests/image/golden.h"

namespace tessera::image {
namespace {

using test::difference;
using test::read_json;
using test::shared_path;

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::vector<std::byte> to_bytes(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

bool is_one_line(const std::string& text) { return text.find('\n') == std::string::npos; }

TEST(Sha256, KnownDigests) {
  EXPECT_EQ(test::sha256(to_bytes("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(test::sha256(to_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(test::sha256(to_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Decode, GivesPillowsPixelsForEveryReferenceFile) {
  const auto golden = shared_path("golden/images/decode.json");
  if (!golden) GTEST_SKIP() << "no shared/golden/images";
  int matched = 0, refused = 0;
  const nlohmann::json reference = read_json(*golden);
  for (const auto& c : reference["cases"]) {
    const std::string file = c["file"];
    SCOPED_TRACE(file);
    const std::filesystem::path path = *shared_path("images/" + file);
    if (file == "awkward/png_text_decompression_dos.png") {  // Pillow raises; the text is of no interest to us
      EXPECT_EQ(difference(decode_file(path), c["lenient"]), "");
    } else if (c["status"] == "error") {
      const std::string message = message_of([&] { decode_file(path); });
      EXPECT_NE(message.find(file), std::string::npos) << message;
      EXPECT_TRUE(is_one_line(message)) << message;
      ++refused;
    } else {
      EXPECT_EQ(difference(decode_file(path), c["rgb"]), "");
      const bool turned = c.contains("rgb_without_exif_transpose");
      const auto& stored = turned ? c["rgb_without_exif_transpose"] : c["rgb"];
      EXPECT_EQ(difference(decode_file(path, {.orientation = Orientation::ignore}), stored), "");
      ++matched;
    }
  }
  EXPECT_EQ(matched, 36);
  EXPECT_EQ(refused, 4);
}

TEST(Decode, CutBeforeTheEndIsAnErrorAndNothingElse) {
  for (const char* file : {"awkward/exif_orientation_5.jpg", "awkward/rgba_interlaced.png", "awkward/gray16_trns.png",
                           "photos/vitcpp_polars.jpeg", "awkward/cmyk_adobe.jpg"}) {
    const auto path = shared_path(std::string("images/") + file);
    if (!path) GTEST_SKIP() << "no shared/images";
    const std::vector<std::byte> bytes = read_file(*path);
    for (size_t size = 0; size + 40 < bytes.size(); size += 1 + bytes.size() / 97) {
      const std::vector<std::byte> part(bytes.begin(), bytes.begin() + static_cast<int64_t>(size));
      EXPECT_THROW(decode(part, file), Error) << file << " cut to " << size;
    }
  }
}

TEST(Decode, WhatFollowsTheLastRowIsNotMissed) {
  const Picture picture(3, 5, 3);
  std::vector<std::byte> png = encode_png(picture);
  png.resize(png.size() - 12);  // IEND
  EXPECT_EQ(decode(png, "x.png"), picture);
  const auto path = shared_path("images/photos/vitcpp_polars.jpeg");
  if (!path) GTEST_SKIP() << "no shared/images";
  std::vector<std::byte> jpeg = read_file(*path);
  const Picture whole = decode(jpeg, "x.jpg");
  jpeg.back() = std::byte{0xE0};  // not the end marker but one whose contents are missing
  EXPECT_EQ(decode(jpeg, "x.jpg"), whole);
}

TEST(Decode, CorruptBytesGiveAPictureOrAnError) {
  for (const char* file : {"awkward/exif_orientation_5.jpg", "awkward/rgb_adobe_restart.jpg",
                           "awkward/rgba_interlaced.png", "awkward/gray1bit_trns.png"}) {
    const auto path = shared_path(std::string("images/") + file);
    if (!path) GTEST_SKIP() << "no shared/images";
    const std::vector<std::byte> bytes = read_file(*path);
    uint32_t state = 1;
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<std::byte> bad = bytes;
      for (int i = 0; i < 3; ++i) {
        state = state * 1664525 + 1013904223;
        const size_t limit = trial % 2 ? bytes.size() : std::min<size_t>(bytes.size(), 700);
        bad[(state >> 8) % limit] = static_cast<std::byte>(state >> 3);
      }
      try {
        const Picture picture = decode(bad, file);
        EXPECT_EQ(picture.channels, 3);
        EXPECT_EQ(picture.pixels.size(), static_cast<size_t>(picture.height * picture.width * 3));
      } catch (const Error& e) {
        EXPECT_TRUE(is_one_line(e.what())) << e.what();
      }
    }
  }
}

TEST(Decode, WhatIsNoPictureIsToldFromACorruptOne) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(sniff(to_bytes("")));
  EXPECT_FALSE(sniff(to_bytes("BMW, a text that begins like a bitmap")));
  EXPECT_EQ(sniff(to_bytes("\xFF\xD8\xFF\xE0")), Format::jpeg);
  EXPECT_EQ(message_of([] { decode(to_bytes("hello"), "a/b.jpg"); }),
            "a/b.jpg: not a picture (its first bytes are of no known picture format)");
  EXPECT_EQ(message_of([] { decode(to_bytes("\0\0\0 ftypavif"sv), "x.avif"); }),
            "x.avif: HEIF or AVIF pictures cannot be read; convert it to PNG or JPEG");
  EXPECT_EQ(message_of([] { decode(to_bytes("\xFF\xD8\xFF"), "x.jpg"); }).substr(0, 19), "x.jpg: broken JPEG:");
}

void put_be32(std::vector<std::byte>& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

uint32_t crc32(std::span<const std::byte> bytes) {
  uint32_t crc = ~0u;
  for (std::byte b : bytes) {
    crc ^= std::to_integer<uint32_t>(b);
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

TEST(Decode, HostileSizesAreRefusedBeforeMemoryIsTaken) {
  std::vector<std::byte> png = encode_png(Picture(2, 2, 3));
  const auto claim = [&](uint32_t width, uint32_t height) {
    put_be32(png, 16, width);
    put_be32(png, 20, height);
    put_be32(png, 29, crc32(std::span(png).subspan(12, 17)));  // IHDR's
  };
  claim(900'000, 900'000);
  EXPECT_EQ(message_of([&] { decode(png, "x.png"); }),
            "x.png: 900000 x 900000 pixels are more than the 178956970 that max_pixels allows");
  claim(13'000, 13'000);
  EXPECT_NE(message_of([&] { decode(png, "x.png"); }).find("cannot hold 13000 x 13000 pixels"), std::string::npos);

  const auto path = shared_path("images/photos/vitcpp_polars.jpeg");
  if (!path) GTEST_SKIP() << "no shared/images";
  std::vector<std::byte> jpeg = read_file(*path);
  for (size_t i = 0; i + 9 < jpeg.size(); ++i) {
    if (jpeg[i] == std::byte{0xFF} && jpeg[i + 1] == std::byte{0xC0}) {
      put_be32(jpeg, i + 5, 60'000u << 16 | 60'000u);
      break;
    }
  }
  EXPECT_EQ(message_of([&] { decode(jpeg, "x.jpg"); }),
            "x.jpg: 60000 x 60000 pixels are more than the 178956970 that max_pixels allows");
}

// Found by fuzzing: libpng made room for 1.8 GiB that a chunk of a file of 4 KiB claimed.
TEST(Decode, ChunksThatClaimMoreThanTheFileAreRefused) {
  std::string png("\x89PNG\r\n\x1a\n", 8);
  const auto chunk = [&](uint32_t length, const std::string& kind, const std::string& data) {
    for (int shift = 24; shift >= 0; shift -= 8) png += static_cast<char>(length >> shift & 0xFF);
    png += kind + data + std::string(4, '\0');  // a checksum, which does not matter here
  };
  chunk(13, "IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13));
  chunk(0x7000'0000, "eXIf", "II*");
  EXPECT_EQ(test::error_of([&] { decode(std::as_bytes(std::span(png)), "x.png"); }),
            "x.png: broken PNG: the file is cut off");
}

TEST(Decode, WhatStandsBehindTheEndOfAPngDoesNotMatter) {
  std::vector<std::byte> png = encode_png(Picture(2, 3, 3));
  png.insert(png.end(), 64, std::byte{0x7F});  // read as a chunk, it would claim 2 GB
  EXPECT_EQ(decode(png, "x.png").width, 3);
}

TEST(Exif, ReadsBothByteOrdersAndSurvivesNonsense) {
  using namespace std::string_view_literals;
  const auto little = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"sv;
  const auto big = "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"sv;
  EXPECT_EQ(exif_orientation(to_bytes(little)), 6);
  EXPECT_EQ(exif_orientation(to_bytes(big)), 8);
  for (size_t size = 0; size < 20; ++size) EXPECT_LE(exif_orientation(to_bytes(big.substr(0, size))), 1);
  EXPECT_EQ(exif_orientation(to_bytes("MM\0*\xFF\xFF\xFF\xFF\0\x01"sv)), 0);
  std::string nine(big);
  nine[19] = 9;
  EXPECT_EQ(exif_orientation(to_bytes(nine)), 1);
}

TEST(Exif, ReadsWhatOthersWriteIntoPngTexts) {
  EXPECT_EQ(xmp_orientation("<rdf:Description tiff:Orientation=\"6\"/>"), 6);
  EXPECT_EQ(xmp_orientation("tiff:Orientation <tiff:Orientation>3</tiff:Orientation>"), 3);
  EXPECT_EQ(xmp_orientation("tiff:Orientation"), 0);
  EXPECT_EQ(xmp_orientation("tiff:Orientation=\"9\""), 1);
  EXPECT_EQ(raw_profile("\nexif\n   3\n0aff\n10"),
            (std::vector<std::byte>{std::byte{10}, std::byte{255}, std::byte{16}}));
  EXPECT_TRUE(raw_profile("\nexif").empty());
}

TEST(Oriented, TurnsAsTheTagSays) {
  const Picture p(1, 2, 1, {1, 2});
  EXPECT_EQ(oriented(p, 2).pixels, (std::vector<uint8_t>{2, 1}));
  EXPECT_EQ(oriented(p, 6), Picture(2, 1, 1, {1, 2}));  // clockwise: the left end comes to the top
  EXPECT_EQ(oriented(p, 8), Picture(2, 1, 1, {2, 1}));
  const Picture q(2, 2, 1, {1, 2, 3, 4});
  EXPECT_EQ(oriented(q, 3).pixels, (std::vector<uint8_t>{4, 3, 2, 1}));
  EXPECT_EQ(oriented(q, 5).pixels, (std::vector<uint8_t>{1, 3, 2, 4}));
  EXPECT_EQ(oriented(q, 7).pixels, (std::vector<uint8_t>{4, 2, 3, 1}));
  EXPECT_THROW(oriented(q, 9), Error);
}

TEST(EncodePng, ComesBackTheSame) {
  Picture rgb(5, 7, 3), gray(3, 4, 1);
  for (size_t i = 0; i < rgb.pixels.size(); ++i) rgb.pixels[i] = static_cast<uint8_t>(37 * i);
  for (size_t i = 0; i < gray.pixels.size(); ++i) gray.pixels[i] = static_cast<uint8_t>(71 * i);
  EXPECT_EQ(decode(encode_png(rgb), "rgb"), rgb);
  EXPECT_EQ(decode(encode_png(gray), "gray"), with_channels(gray, 3));
  EXPECT_EQ(encode_png(rgb), encode_png(rgb));
  EXPECT_THROW(encode_png(Picture()), Error);
}

}  // namespace
}  // namespace tessera::image
