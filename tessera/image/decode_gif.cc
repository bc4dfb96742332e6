// The first picture of a GIF file (CompuServe, "Graphics Interchange Format, Version 89a", 1990).
#include <algorithm>
#include <array>

#include "tessera/image/byte_reader.h"
#include "tessera/image/decode.h"
#include "tessera/image/palette.h"

namespace tessera::image {
namespace {

constexpr uint32_t kExtension = 0x21, kImage = 0x2C, kGraphicControl = 0xF9;
constexpr int kMaxCodeBits = 12;

// What an image is drawn on, and with.
struct Canvas {
  int64_t height = 0, width = 0;
  Palette palette = gray_palette();
  uint8_t background = 0;  // the transparent colour where there is one
};

void read_palette(ByteReader& reader, uint32_t flags, Palette& palette) {
  if (!(flags & 0x80)) return;
  palette = gray_palette();
  for (size_t i = 0; i < size_t{2} << (flags & 7); ++i) {
    for (uint8_t& value : palette[i]) value = static_cast<uint8_t>(reader.u8());
  }
}

// Passes over the blocks of an extension; a graphic control extension may name a transparent colour.
void read_extension(ByteReader& reader, Canvas& canvas) {
  const uint32_t label = reader.u8();
  for (uint32_t size; (size = reader.u8()) > 0;) {
    const std::span<const std::byte> block = reader.take(size);
    const bool is_transparent = label == kGraphicControl && size >= 4 && std::to_integer<uint32_t>(block[0]) & 1;
    if (is_transparent) canvas.background = std::to_integer<uint8_t>(block[3]);
  }
}

// The codes of variable width that the data blocks hold, lowest bit first.
class Codes {
 public:
  explicit Codes(ByteReader& reader) : reader_(reader) {}

  uint32_t next(int bits) {
    while (count_ < bits) {
      if (block_ == 0 && (block_ = reader_.u8()) == 0) reader_.cut_off();
      bits_ |= reader_.u8() << count_;
      --block_;
      count_ += 8;
    }
    const uint32_t code = bits_ & ((1u << bits) - 1);
    bits_ >>= bits;
    count_ -= bits;
    return code;
  }

 private:
  ByteReader& reader_;
  uint32_t block_ = 0;  // bytes left in it
  uint32_t bits_ = 0;
  int count_ = 0;
};

// Gives the index of one pixel after the other to `put`, until that returns false or the data say that they end.
template <class Put>
void decompress(ByteReader& reader, const Put& put) {
  const int first_bits = static_cast<int>(reader.u8());
  if (first_bits < 1 || first_bits > 8) reader.broken("pixels of {} bits", first_bits);
  const uint32_t clear = 1u << first_bits, end = clear + 1;
  std::array<uint16_t, 1 << kMaxCodeBits> prefix{};  // a string is that of its prefix and one more index
  std::array<uint8_t, 1 << kMaxCodeBits> suffix{}, text{};
  for (uint32_t i = 0; i < clear; ++i) suffix[i] = static_cast<uint8_t>(i);
  uint32_t next = end + 1;
  int bits = first_bits + 1;
  uint32_t before = clear;  // the code before; clear: none
  uint8_t head = 0;         // the first index of the string before
  Codes codes(reader);
  while (true) {
    const uint32_t code = codes.next(bits);
    if (code == end) return;
    if (code == clear) {
      next = end + 1;
      bits = first_bits + 1;
      before = clear;
      continue;
    }
    if (code > next || (code == next && before == clear)) reader.broken("its compressed data make no sense");
    size_t size = 0;
    uint32_t rest = code;
    if (code == next) {  // the string before and its own first index
      text[size++] = head;
      rest = before;
    }
    for (; rest > end; rest = prefix[rest]) text[size++] = suffix[rest];
    head = suffix[rest];
    text[size++] = head;
    while (size > 0) {
      if (!put(text[--size])) return;
    }
    if (before != clear && next < text.size()) {
      prefix[next] = static_cast<uint16_t>(before);
      suffix[next] = head;
      if (++next >= 1u << bits && bits < kMaxCodeBits) ++bits;
    }
    before = code;
  }
}

// The rows of an interlaced image in the order in which they are stored.
std::vector<int64_t> row_order(int64_t height, bool interlaced) {
  std::vector<int64_t> rows;
  const std::vector<std::pair<int64_t, int64_t>> passes =
      interlaced ? std::vector<std::pair<int64_t, int64_t>>{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
                 : std::vector<std::pair<int64_t, int64_t>>{{0, 1}};
  for (const auto& [first, step] : passes) {
    for (int64_t y = first; y < height; y += step) rows.push_back(y);
  }
  return rows;
}

Picture read_image(ByteReader& reader, Canvas& canvas, std::string_view name, int64_t max_pixels) {
  const int64_t left = reader.u16(), top = reader.u16(), width = reader.u16(), height = reader.u16();
  const uint32_t flags = reader.u8();
  read_palette(reader, flags, canvas.palette);
  if (width == 0 || height == 0) reader.broken("its first image is empty");
  // An image may reach beyond the screen that the header tells.
  canvas.width = std::max(canvas.width, left + width);
  canvas.height = std::max(canvas.height, top + height);
  check_size(canvas.width, canvas.height, max_pixels, name);
  std::vector<uint8_t> indices(static_cast<size_t>(canvas.height * canvas.width), canvas.background);  // (H, W)
  const std::vector<int64_t> rows = row_order(height, flags & 0x40);
  int64_t pixel = 0;
  decompress(reader, [&](uint8_t index) {
    const int64_t y = top + rows[static_cast<size_t>(pixel / width)], x = left + pixel % width;
    indices[static_cast<size_t>(y * canvas.width + x)] = index;
    return ++pixel < width * height;
  });
  return coloured(canvas.height, canvas.width, indices, canvas.palette);
}

}  // namespace

Decoded decode_gif(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  ByteReader reader(bytes, name, "GIF");
  reader.skip(6);  // "GIF89a"
  Canvas canvas;
  canvas.width = reader.u16();
  canvas.height = reader.u16();
  const uint32_t flags = reader.u8();
  reader.skip(2);
  read_palette(reader, flags, canvas.palette);
  while (true) {
    switch (reader.u8()) {
      case 0:  // padding
        break;
      case kExtension:
        read_extension(reader, canvas);
        break;
      case kImage:
        return {read_image(reader, canvas, name, max_pixels)};
      default:
        reader.broken("there is no image in it");
    }
  }
}

}  // namespace tessera::image
