// Windows and OS/2 bitmaps: 1, 4, 8, 16, 24 and 32 bits a pixel, with masks or run-length coded.
#include <algorithm>
#include <bit>

#include "tessera/image/byte_reader.h"
#include "tessera/image/decode.h"
#include "tessera/image/palette.h"

namespace tessera::image {
namespace {

enum Compression : uint32_t { kNone = 0, kRuns8 = 1, kRuns4 = 2, kMasks = 3, kMasksWithAlpha = 6 };

struct Header {
  int64_t height = 0, width = 0;
  bool is_top_down = false;
  uint32_t bits = 0;  // of a pixel
  uint32_t compression = kNone;
  uint32_t colours = 0;                                               // of the palette
  std::array<uint32_t, 3> masks = {0, 0, 0};                          // of red, green, blue
  size_t palette_at = 0, pixels_at = 0;                               // in the file
  int64_t colour_bytes = 4;                                           // of an entry of the palette
  int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }  // uncompressed
};

// 12 bytes (OS/2 1.x), or 40 and more.
Header read_header(ByteReader& reader) {
  Header header;
  reader.skip(10);
  header.pixels_at = reader.u32();
  const size_t begin = reader.at();
  const uint32_t size = reader.u32();
  if (size == 12) {
    header.width = reader.u16();
    header.height = reader.u16();
    reader.skip(2);
    header.bits = reader.u16();
    header.colour_bytes = 3;
  } else {
    if (size < 40 || size > 1024) reader.broken("a header of {} bytes", size);
    header.width = reader.u32();
    const int64_t height = reader.s32();
    header.is_top_down = height < 0;
    header.height = std::abs(height);
    reader.skip(2);
    header.bits = reader.u16();
    header.compression = reader.u32();
    reader.skip(12);
    header.colours = reader.u32();
    reader.skip(4);
  }
  const bool has_masks = header.compression == kMasks || header.compression == kMasksWithAlpha;
  if (has_masks) {
    for (uint32_t& mask : header.masks) mask = reader.u32();
  } else if (header.bits == 16) {
    header.masks = {0x7C00, 0x03E0, 0x001F};
  } else {
    header.masks = {0xFF0000, 0x00FF00, 0x0000FF};
  }
  header.palette_at = std::max(begin + size, reader.at());
  if (header.bits <= 8) {
    if (header.colours == 0) header.colours = 1u << header.bits;
    const auto colour_bytes = static_cast<size_t>(header.colour_bytes);
    if (header.pixels_at <= header.palette_at) header.pixels_at = header.palette_at + header.colours * colour_bytes;
    // Some palettes are shorter than they should be.
    const size_t room = (header.pixels_at - header.palette_at) / colour_bytes;
    header.colours = static_cast<uint32_t>(std::min<size_t>({header.colours, room, 256}));
  }
  return header;
}

void check_header(const ByteReader& reader, const Header& header) {
  if (header.width == 0 || header.height == 0) reader.broken("it has {} x {} pixels", header.width, header.height);
  const uint32_t bits = header.bits;
  const bool has_masks = header.compression == kMasks || header.compression == kMasksWithAlpha;
  const bool known = (header.compression == kNone &&
                      (bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32)) ||
                     (header.compression == kRuns8 && bits == 8) || (header.compression == kRuns4 && bits == 4) ||
                     (has_masks && (bits == 16 || bits == 24 || bits == 32));
  if (!known) reader.unknown("{} bits a pixel and compression {}", bits, header.compression);
}

Palette read_palette(ByteReader& reader, const Header& header) {
  Palette palette = gray_palette();
  reader.seek(header.palette_at);
  for (size_t i = 0; i < header.colours; ++i) {
    for (size_t c = 3; c-- > 0;) palette[i][c] = static_cast<uint8_t>(reader.u8());  // blue first
    reader.skip(static_cast<size_t>(header.colour_bytes) - 3);
  }
  return palette;
}

// The rows of a file that lies uncompressed, the upper one first.
template <class Row>
void read_rows(ByteReader& reader, const Header& header, const Row& row) {
  const auto row_bytes = static_cast<size_t>(header.row_bytes());
  for (int64_t i = 0; i < header.height; ++i) {
    row(header.is_top_down ? i : header.height - 1 - i, reader.take(row_bytes));
  }
}

// (H, W) of 1, 4 or 8 bits each, the highest first.
std::vector<uint8_t> read_indices(ByteReader& reader, const Header& header) {
  std::vector<uint8_t> indices(static_cast<size_t>(header.height * header.width));
  const uint32_t bits = header.bits, per_byte = 8 / bits;
  read_rows(reader, header, [&](int64_t y, std::span<const std::byte> row) {
    for (size_t x = 0; x < static_cast<size_t>(header.width); ++x) {
      const uint32_t shift = (per_byte - 1 - static_cast<uint32_t>(x % per_byte)) * bits;
      indices[static_cast<size_t>(y * header.width) + x] =
          static_cast<uint8_t>(std::to_integer<uint32_t>(row[x / per_byte]) >> shift & ((1u << bits) - 1));
    }
  });
  return indices;
}

// Where runs write: pixels beyond a row or the picture are lost.
class RunCanvas {
 public:
  explicit RunCanvas(const Header& header)
      : header_(header), indices_(static_cast<size_t>(header.height * header.width)) {}

  bool is_full() const { return row_ >= header_.height; }
  void put(uint32_t index) {
    if (column_ < header_.width && !is_full()) {
      const int64_t y = header_.is_top_down ? row_ : header_.height - 1 - row_;
      indices_[static_cast<size_t>(y * header_.width + column_)] = static_cast<uint8_t>(index);
    }
    ++column_;
  }
  void move(int64_t right, int64_t rows) {
    column_ += right;
    row_ += rows;
  }
  void end_row() {
    column_ = 0;
    ++row_;
  }
  bool is_done() const { return is_full() || (row_ == header_.height - 1 && column_ >= header_.width); }
  std::vector<uint8_t> take() { return std::move(indices_); }

 private:
  const Header& header_;
  std::vector<uint8_t> indices_;  // (H, W), 0 where no run says otherwise
  int64_t row_ = 0, column_ = 0;  // in the order of the file
};

// The index of pixel i among those that a byte (or, of 4 bits, each byte in turn) stands for.
uint32_t index_in(uint32_t byte, uint32_t i, uint32_t bits) {
  return bits == 8 ? byte : i % 2 == 0 ? byte >> 4 : byte & 15;
}

std::vector<uint8_t> read_runs(ByteReader& reader, const Header& header) {
  RunCanvas canvas(header);
  const uint32_t bits = header.bits;
  while (!canvas.is_done()) {
    const uint32_t count = reader.u8(), value = reader.u8();
    if (count > 0) {
      for (uint32_t i = 0; i < count; ++i) canvas.put(index_in(value, i, bits));
    } else if (value == 0) {
      canvas.end_row();
    } else if (value == 1) {  // the end
      break;
    } else if (value == 2) {
      const uint32_t right = reader.u8();
      canvas.move(right, reader.u8());
    } else {  // so many pixels as they are, in an even number of bytes
      const size_t size = (value * bits + 7) / 8;
      const std::span<const std::byte> stored = reader.take(size);
      for (uint32_t i = 0; i < value; ++i) {
        canvas.put(index_in(std::to_integer<uint32_t>(stored[i * bits / 8]), i, bits));
      }
      if (size % 2 == 1 && reader.left() > 0) reader.skip(1);
    }
  }
  return canvas.take();
}

// 0 … 255 for the values of one channel under its mask, rounded down.
class Channel {
 public:
  explicit Channel(uint32_t mask) : mask_(mask), shift_(mask ? std::countr_zero(mask) : 0), most_(mask >> shift_) {}
  uint8_t of(uint32_t pixel) const {
    return most_ == 0 ? 0 : static_cast<uint8_t>(uint64_t{(pixel & mask_) >> shift_} * 255 / most_);
  }

 private:
  uint32_t mask_;
  int shift_;
  uint32_t most_;
};

Picture read_colours(ByteReader& reader, const Header& header) {
  Picture out(header.height, header.width, 3);
  const std::array<Channel, 3> channels = {Channel(header.masks[0]), Channel(header.masks[1]),
                                           Channel(header.masks[2])};
  const size_t pixel_bytes = header.bits / 8;
  read_rows(reader, header, [&](int64_t y, std::span<const std::byte> row) {
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < header.width; ++x, row = row.subspan(pixel_bytes)) {
      uint32_t pixel = 0;
      for (size_t i = pixel_bytes; i-- > 0;) pixel = pixel << 8 | std::to_integer<uint32_t>(row[i]);
      for (const Channel& channel : channels) *to++ = channel.of(pixel);
    }
  });
  return out;
}

}  // namespace

Decoded decode_bmp(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  ByteReader reader(bytes, name, "BMP");
  const Header header = read_header(reader);
  check_header(reader, header);
  check_size(header.width, header.height, max_pixels, name);
  const Palette palette = header.bits <= 8 ? read_palette(reader, header) : gray_palette();
  reader.seek(header.pixels_at);
  const bool has_runs = header.compression == kRuns8 || header.compression == kRuns4;
  const size_t rows = reader.left() / static_cast<size_t>(header.row_bytes());
  if (!has_runs && rows < static_cast<size_t>(header.height)) reader.cut_off();  // before memory is taken
  if (header.bits > 8) return {read_colours(reader, header)};
  const std::vector<uint8_t> indices = has_runs ? read_runs(reader, header) : read_indices(reader, header);
  return {coloured(header.height, header.width, indices, palette)};
}

}  // namespace tessera::image
