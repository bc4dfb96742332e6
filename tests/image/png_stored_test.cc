#include "tessera/image/png_stored.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "tessera/core/random.h"
#include "tessera/image/decode.h"
#include "tessera/image/encode_png.h"
#include "tests/support.h"

namespace tessera::image {
namespace {

using Bytes = std::vector<uint8_t>;

void put_be32(Bytes& out, size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value >> shift));
}

void put_chunk(Bytes& out, const std::string& type, const Bytes& data) {
  put_be32(out, data.size());
  const size_t begin = out.size();
  out.insert(out.end(), type.begin(), type.end());
  out.insert(out.end(), data.begin(), data.end());
  put_be32(out, crc32(0, out.data() + begin, static_cast<uInt>(out.size() - begin)));
}

struct Kind {
  int depth, colour, samples;  // samples of a pixel
};

constexpr Kind kKinds[] = {{1, 0, 1}, {2, 0, 1}, {4, 0, 1}, {8, 0, 1}, {16, 0, 1}, {8, 2, 3}, {16, 2, 3}, {1, 3, 1},
                           {2, 3, 1}, {4, 3, 1}, {8, 3, 1}, {8, 4, 2}, {16, 4, 2}, {8, 6, 4}, {16, 6, 4}};

constexpr int kWidth = 37, kHeight = 23;

// Noise behind every kind of filter, in pieces of `piece` bytes; `extra` rows are there that are not of the picture.
std::vector<std::byte> make_png(const Kind& kind, size_t piece, int extra = 0, int filters = 5) {
  Random random(1, "test");
  const auto noise = [&] { return static_cast<uint8_t>(random.below(256)); };
  Bytes rows;
  for (int y = 0; y < kHeight + extra; ++y) {
    rows.push_back(static_cast<uint8_t>(random.below(static_cast<uint64_t>(filters))));
    for (int i = 0; i < (kWidth * kind.depth * kind.samples + 7) / 8; ++i) rows.push_back(noise());
  }
  uLongf size = compressBound(rows.size());
  Bytes stream(size);
  compress(stream.data(), &size, rows.data(), rows.size());
  stream.resize(size);

  Bytes png = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  Bytes header;
  put_be32(header, kWidth);
  put_be32(header, kHeight);
  for (int value : {kind.depth, kind.colour, 0, 0, 0}) header.push_back(static_cast<uint8_t>(value));
  put_chunk(png, "IHDR", header);
  Bytes palette(3 * (size_t{1} << std::min(kind.depth, 8)));
  for (size_t i = 0; i < palette.size(); ++i) palette[i] = static_cast<uint8_t>(37 * i);
  if (kind.colour == 3) put_chunk(png, "PLTE", palette);
  for (size_t at = 0; at < stream.size(); at += piece) {
    const auto begin = stream.begin() + static_cast<std::ptrdiff_t>(at);
    put_chunk(png, "IDAT", Bytes(begin, begin + static_cast<std::ptrdiff_t>(std::min(piece, stream.size() - at))));
  }
  put_chunk(png, "IEND", {});
  const auto bytes = std::as_bytes(std::span(png));
  return {bytes.begin(), bytes.end()};
}

// libpng alone reads what has a row too many.
TEST(PngStored, GivesThePixelsThatLibpngGives) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.depth * 10 + kind.colour);
    const std::vector<std::byte> long_png = make_png(kind, 1 << 20, 1);
    EXPECT_TRUE(with_stored_rows(long_png).bytes.empty());
    const Picture expected = decode(long_png, "x.png");
    for (size_t piece : {size_t{1} << 20, size_t{100}}) {
      const std::vector<std::byte> png = make_png(kind, piece);
      EXPECT_FALSE(with_stored_rows(png).bytes.empty());
      EXPECT_EQ(decode(png, "x.png"), expected);
    }
  }
}

TEST(PngStored, LeavesToLibpngWhatIsNotAsItShouldBe) {
  const std::vector<std::byte> png = make_png(kKinds[5], 1000);
  for (size_t size = 0; size + 12 < png.size(); size += 7)
    EXPECT_TRUE(with_stored_rows(std::span(png).first(size)).bytes.empty());
  EXPECT_TRUE(with_stored_rows(make_png(kKinds[5], 1000, -1)).bytes.empty());
  EXPECT_TRUE(with_stored_rows(make_png(kKinds[5], 1000, 0, 7)).bytes.empty());
  EXPECT_NE(test::error_of([] { decode(make_png(kKinds[5], 1000, -1), "x.png"); }), "");
  EXPECT_NE(test::error_of([] { decode(make_png(kKinds[5], 1000, 0, 7), "x.png"); }), "");
}

TEST(PngStored, SurvivesCorruptBytes) {
  Random random(2, "test");
  for (const Kind& kind : kKinds) {
    const std::vector<std::byte> png = make_png(kind, 300);
    for (int trial = 0; trial < 100; ++trial) {
      std::vector<std::byte> bad = png;
      for (int i = 0; i < 3; ++i)
        bad[random.below(trial % 2 ? bad.size() : 60)] = static_cast<std::byte>(random.word());
      const StoredPng stored = with_stored_rows(bad);
      EXPECT_LE(stored.bytes.size(), 1032 * bad.size() * 2);
      test::error_of([&] { decode(bad, "x.png"); });
    }
  }
}

}  // namespace
}  // namespace tessera::image
