// The first picture of a TIFF file (Aldus, "TIFF 6.0", 1992): bilevel, gray, palette, RGB and CMYK of 1 to 16 bits, in
// strips or tiles, with the compressions of tiff_chunks.h.
#include <algorithm>
#include <map>
#include <vector>

#include "tessera/image/byte_reader.h"
#include "tessera/image/decode.h"
#include "tessera/image/geometry.h"
#include "tessera/image/palette.h"
#include "tessera/image/tiff_chunks.h"

namespace tessera::image {
namespace {

enum Tag : uint32_t {
  kWidth = 256,
  kHeight = 257,
  kBits = 258,
  kCompression = 259,
  kPhotometric = 262,
  kStripOffsets = 273,
  kOrientation = 274,
  kSamples = 277,
  kRowsPerStrip = 278,
  kStripBytes = 279,
  kPlanar = 284,
  kPredictor = 317,
  kColours = 320,
  kTileWidth = 322,
  kTileHeight = 323,
  kTileOffsets = 324,
  kTileBytes = 325,
  kExtraSamples = 338,
  kSampleFormat = 339
};
enum Photometric : uint32_t { kWhiteIsZero = 0, kBlackIsZero = 1, kRgb = 2, kPalette = 3, kCmyk = 5 };
constexpr uint32_t kPremultiplied = 1;   // of kExtraSamples
constexpr uint64_t kMostPerByte = 4096;  // bytes that one compressed byte may stand for; LZW comes near it

// The whole numbers of a directory.
class Directory {
 public:
  explicit Directory(ByteReader& reader) : reader_(reader) {
    const uint32_t entries = reader.u16();
    for (uint32_t i = 0; i < entries; ++i) {
      const uint32_t tag = reader.u16(), type = reader.u16(), count = reader.u32();
      const size_t here = reader.at();
      const size_t size = type == 1 ? 1 : type == 3 ? 2 : type == 4 ? 4 : 0;  // BYTE, SHORT, LONG
      if (size > 0) read(tag, size, count);
      reader.seek(here);
      reader.skip(4);
    }
  }

  const std::vector<uint32_t>& all(Tag tag) const {
    static const std::vector<uint32_t> none;
    const auto found = values_.find(tag);
    return found == values_.end() ? none : found->second;
  }
  uint32_t get(Tag tag, uint32_t fallback) const { return all(tag).empty() ? fallback : all(tag).front(); }

 private:
  void read(uint32_t tag, size_t size, uint32_t count) {
    if (size * count > 4) reader_.seek(reader_.u32());
    if (count > reader_.left() / size) reader_.cut_off();
    std::vector<uint32_t>& values = values_[tag];
    for (uint32_t i = 0; i < count; ++i)
      values.push_back(size == 1 ? reader_.u8() : size == 2 ? reader_.u16() : reader_.u32());
  }

  ByteReader& reader_;
  std::map<uint32_t, std::vector<uint32_t>> values_;
};

struct Layout {
  int64_t height, width, samples;  // of the picture, of a pixel
  uint32_t bits, photometric, predictor;
  bool is_planar, is_premultiplied;
  TiffCompression compression;
  int64_t chunk_height, chunk_width;     // of a strip or a tile
  std::vector<uint32_t> offsets, sizes;  // of each, one plane after the other

  int64_t chunk_samples() const { return is_planar ? 1 : samples; }
  int64_t row_values() const { return chunk_width * chunk_samples(); }
  size_t row_bytes() const { return static_cast<size_t>((row_values() * bits + 7) / 8); }
  int64_t chunks_across() const { return (width + chunk_width - 1) / chunk_width; }
  int64_t chunks_down() const { return (height + chunk_height - 1) / chunk_height; }
};

Layout layout_of(const Directory& directory, const ByteReader& reader) {
  Layout layout{};
  layout.width = directory.get(kWidth, 0);
  layout.height = directory.get(kHeight, 0);
  layout.samples = directory.get(kSamples, 1);
  layout.bits = directory.get(kBits, 1);
  layout.photometric = directory.get(kPhotometric, kBlackIsZero);
  layout.is_planar = directory.get(kPlanar, 1) == 2 && layout.samples > 1;
  layout.is_premultiplied = directory.get(kExtraSamples, 0) == kPremultiplied;
  layout.compression = static_cast<TiffCompression>(directory.get(kCompression, 1));
  const bool predicts = layout.compression != TiffCompression::none && layout.compression != TiffCompression::packbits;
  layout.predictor = predicts ? directory.get(kPredictor, 1) : 1;
  const bool tiled = !directory.all(kTileOffsets).empty();
  layout.chunk_width = tiled ? directory.get(kTileWidth, 0) : layout.width;
  layout.chunk_height = tiled ? directory.get(kTileHeight, 0)
                              : std::min<int64_t>(directory.get(kRowsPerStrip, UINT32_MAX), layout.height);
  layout.offsets = directory.all(tiled ? kTileOffsets : kStripOffsets);
  layout.sizes = directory.all(tiled ? kTileBytes : kStripBytes);

  const auto bits = directory.all(kBits), formats = directory.all(kSampleFormat);
  const auto differs = [](uint32_t value) { return [value](uint32_t other) { return other != value; }; };
  const bool is_gray = layout.photometric <= kBlackIsZero, is_indexed = layout.photometric == kPalette;
  const int64_t least = is_gray || is_indexed ? 1 : layout.photometric == kRgb ? 3 : 4;
  const bool known = is_known(layout.compression) && (layout.predictor == 1 || layout.predictor == 2) &&
                     (is_gray || is_indexed || layout.photometric == kRgb || layout.photometric == kCmyk) &&
                     layout.samples >= least && layout.samples <= 8 &&
                     std::none_of(bits.begin(), bits.end(), differs(layout.bits)) &&
                     std::none_of(formats.begin(), formats.end(), differs(1)) &&
                     (layout.bits == 8 || (layout.bits == 16 && !is_indexed) ||
                      ((layout.bits == 1 || layout.bits == 2 || layout.bits == 4) && layout.samples == 1));
  if (!known)
    reader.unknown("{} samples of {} bits, photometric {}, compression {}, predictor {}", layout.samples, layout.bits,
                   layout.photometric, directory.get(kCompression, 1), layout.predictor);
  if (layout.width == 0 || layout.height == 0 || layout.chunk_width == 0 || layout.chunk_height == 0)
    reader.broken("it has no pixels");
  return layout;
}

// Adds to each sample the one of the pixel to its left. row: bytes of a chunk's row.
void undo_differences(uint8_t* row, int64_t values, int64_t samples, uint32_t bits, bool big_endian) {
  if (bits == 8) {
    for (int64_t i = samples; i < values; ++i) row[i] = static_cast<uint8_t>(row[i] + row[i - samples]);
    return;
  }
  const int high = big_endian ? 0 : 1, low = 1 - high;
  for (int64_t i = samples; i < values; ++i) {
    const uint8_t* left = row + 2 * (i - samples);
    uint8_t* here = row + 2 * i;
    const int sum = (left[high] + here[high]) * 256 + left[low] + here[low];
    here[high] = static_cast<uint8_t>(sum >> 8);
    here[low] = static_cast<uint8_t>(sum);
  }
}

// Value i of a row: below 8 bits the highest first; of 16 bits the high byte, or for gray at most 255.
uint8_t value_at(const uint8_t* row, int64_t i, const Layout& layout, bool big_endian) {
  const uint32_t bits = layout.bits;
  if (bits == 8) return row[i];
  if (bits == 16) {
    const uint8_t high = row[2 * i + (big_endian ? 0 : 1)], low = row[2 * i + (big_endian ? 1 : 0)];
    return layout.photometric > kBlackIsZero || layout.samples > 1 ? high : high > 0 ? uint8_t{255} : low;
  }
  const auto per_byte = static_cast<int64_t>(8 / bits);
  const auto shift = static_cast<uint32_t>(per_byte - 1 - i % per_byte) * bits;
  return static_cast<uint8_t>(row[i / per_byte] >> shift & ((1u << bits) - 1));
}

// The bytes of a strip or tile: `rows` of its rows.
std::vector<uint8_t> read_chunk(ByteReader& reader, const Layout& layout, size_t chunk, int64_t rows) {
  reader.seek(layout.offsets[chunk]);
  const size_t told = chunk < layout.sizes.size() ? layout.sizes[chunk] : reader.left();
  const std::span<const std::byte> stored = reader.take(std::min(told, reader.left()));
  const size_t size = static_cast<size_t>(rows) * layout.row_bytes();
  if (size / kMostPerByte > stored.size()) reader.cut_off();
  std::vector<uint8_t> bytes = decompress(layout.compression, stored, size);
  if (bytes.size() < size) reader.cut_off();
  if (layout.predictor == 2 && layout.bits >= 8) {
    for (size_t at = 0; at < size; at += layout.row_bytes())
      undo_differences(bytes.data() + at, layout.row_values(), layout.chunk_samples(), layout.bits,
                       reader.is_big_endian());
  }
  return bytes;
}

// (H, W, samples)
std::vector<uint8_t> read_samples(ByteReader& reader, const Layout& layout) {
  const int64_t across = layout.chunks_across(), in_plane = across * layout.chunks_down();
  const int64_t chunks = in_plane * (layout.is_planar ? layout.samples : 1);
  if (std::ssize(layout.offsets) < chunks)
    reader.broken("{} of {} strips or tiles are there", layout.offsets.size(), chunks);
  std::vector<uint8_t> samples(static_cast<size_t>(layout.height * layout.width * layout.samples));
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t place = chunk % in_plane, plane = chunk / in_plane;
    const int64_t top = place / across * layout.chunk_height, left = place % across * layout.chunk_width;
    const int64_t rows = std::min(layout.chunk_height, layout.height - top);
    const int64_t used = std::min(layout.chunk_width, layout.width - left) * layout.chunk_samples();
    const std::vector<uint8_t> bytes = read_chunk(reader, layout, static_cast<size_t>(chunk), rows);
    for (int64_t y = 0; y < rows; ++y) {
      const uint8_t* row = bytes.data() + static_cast<size_t>(y) * layout.row_bytes();
      uint8_t* to = samples.data() + ((top + y) * layout.width + left) * layout.samples + plane;
      const int64_t step = layout.is_planar ? layout.samples : 1;
      for (int64_t i = 0; i < used; ++i) to[i * step] = value_at(row, i, layout, reader.is_big_endian());
    }
  }
  return samples;
}

Palette palette_of(const Directory& directory) {
  Palette palette = gray_palette();
  const std::vector<uint32_t>& colours = directory.all(kColours);  // all reds, all greens, all blues, of 16 bits
  const size_t count = std::min<size_t>(colours.size() / 3, 256);
  for (size_t i = 0; i < count; ++i) {
    for (size_t c = 0; c < 3; ++c) palette[i][c] = static_cast<uint8_t>(colours[c * colours.size() / 3 + i] / 256);
  }
  return palette;
}

// round(a b / 255)
int times(int a, int b) {
  const int t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

void to_rgb(const uint8_t* pixel, const Layout& layout, uint8_t* rgb) {
  const bool is_cmyk = layout.photometric == kCmyk;
  const int light = is_cmyk ? 255 - pixel[3] : 0;
  for (int c = 0; c < 3; ++c) {
    if (is_cmyk) {
      rgb[c] = static_cast<uint8_t>(std::max(0, light - times(pixel[c], light)));
    } else if (layout.samples == 4 && layout.is_premultiplied) {
      rgb[c] = pixel[3] == 0 ? uint8_t{0} : static_cast<uint8_t>(std::min(255, pixel[c] * 255 / pixel[3]));
    } else {
      rgb[c] = pixel[c];
    }
  }
}

// samples (H, W, samples) -> (H, W, 3)
Picture picture_of(std::vector<uint8_t> samples, const Layout& layout, const Directory& directory) {
  const int64_t pixels = layout.height * layout.width;
  if (layout.photometric == kRgb || layout.photometric == kCmyk) {
    if (layout.samples == 3) return {layout.height, layout.width, 3, std::move(samples)};
    Picture out(layout.height, layout.width, 3);
    for (int64_t i = 0; i < pixels; ++i) to_rgb(samples.data() + i * layout.samples, layout, out.pixels.data() + 3 * i);
    return out;
  }
  for (int64_t i = 0; i < pixels; ++i)
    samples[static_cast<size_t>(i)] = samples[static_cast<size_t>(i * layout.samples)];  // without alpha
  samples.resize(static_cast<size_t>(pixels));
  if (layout.photometric == kPalette) return coloured(layout.height, layout.width, samples, palette_of(directory));
  const uint32_t most = layout.bits < 8 ? (1u << layout.bits) - 1 : 255;
  Palette levels = gray_palette();
  for (uint32_t i = 0; i <= most; ++i)
    levels[i].fill(static_cast<uint8_t>((layout.photometric == kWhiteIsZero ? most - i : i) * 255 / most));
  return coloured(layout.height, layout.width, samples, levels);
}

}  // namespace

Decoded decode_tiff(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  ByteReader reader(bytes, name, "TIFF");
  reader.set_big_endian(reader.u8() == 'M');
  reader.skip(3);  // "I*\0"
  reader.seek(reader.u32());
  const Directory directory(reader);
  const Layout layout = layout_of(directory, reader);
  check_size(layout.width, layout.height, max_pixels, name);
  check_size(layout.chunk_width, layout.chunk_height, max_pixels, name);
  const auto values = static_cast<uint64_t>(layout.width * layout.height * layout.samples);
  if (values / 8 * layout.bits / kMostPerByte > bytes.size()) reader.cut_off();  // before memory is taken
  Picture picture = picture_of(read_samples(reader, layout), layout, directory);
  // Pillow turns a TIFF picture as it loads it, whether asked to or not.
  const uint32_t orientation = directory.get(kOrientation, 1);
  const bool is_turned = orientation >= 2 && orientation <= 8;
  return {is_turned ? oriented(std::move(picture), static_cast<int>(orientation)) : std::move(picture)};
}

}  // namespace tessera::image
