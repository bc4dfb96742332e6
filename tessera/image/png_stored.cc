#include "tessera/image/png_stored.h"

#include <libdeflate.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "tessera/image/decode.h"

namespace tessera::image {
namespace {

constexpr size_t kSignature = 8, kChunkHead = 8, kChunkTail = 4;
constexpr size_t kZlibHead = 2, kZlibTail = 4;
constexpr size_t kBlockHead = 5, kLargestBlock = 65535;

uint32_t read_be32(const std::byte* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  return value;
}

// The rows as they are stored.
struct Rows {
  size_t count = 0;
  size_t bytes = 0;        // of one, without the filter's number before it
  size_t pixel_bytes = 0;  // at least 1: how far the pixel on the left is
};

std::optional<Rows> rows_of(std::span<const std::byte> png) {
  constexpr size_t kHeaderEnd = kSignature + kChunkHead + 13;
  if (png.size() < kHeaderEnd || std::memcmp(png.data() + kSignature + 4, "IHDR", 4) != 0) return {};
  const std::byte* header = png.data() + kSignature + kChunkHead;
  const uint64_t width = read_be32(header), height = read_be32(header + 4);
  const auto depth = std::to_integer<uint64_t>(header[8]), colour = std::to_integer<uint64_t>(header[9]);
  const bool is_interlaced = header[12] != std::byte{0};
  if (is_interlaced || width == 0 || height == 0 || depth > 16 || colour > 6) return {};
  if (width > kMaxPixels || height > kMaxPixels || width * height > kMaxPixels) return {};
  constexpr uint64_t kSamples[] = {1, 0, 3, 1, 2, 0, 4};  // a pixel; 0: there is no such colour type
  const uint64_t bits = kSamples[colour] * depth;
  const Rows rows{height, (width * bits + 7) / 8, std::max<uint64_t>(bits / 8, 1)};
  // deflate makes at most 1032 bytes of one.
  if (rows.bytes == 0 || rows.bytes >= kLargestBlock || rows.count * rows.bytes / 1032 > png.size()) return {};
  return rows;
}

// The pixels' chunks: bytes [begin, end) of the file, and what they hold, as one stream.
struct PixelChunks {
  size_t begin = 0, end = 0;
  std::vector<std::byte> joined;  // where there are several
  std::span<const std::byte> stream;
};

std::optional<PixelChunks> find_pixels(std::span<const std::byte> png) {
  PixelChunks found;
  size_t at = kSignature;
  while (png.size() - at >= kChunkHead + kChunkTail) {
    const size_t length = read_be32(png.data() + at);
    const bool is_pixels = std::memcmp(png.data() + at + 4, "IDAT", 4) == 0;
    if (found.end && !is_pixels) return found;
    if (length > png.size() - at - kChunkHead - kChunkTail) return {};
    const auto data = png.subspan(at + kChunkHead, length);
    if (is_pixels && !found.end) {
      found.begin = at;
      found.stream = data;
    } else if (is_pixels) {
      if (found.joined.empty()) found.joined.assign(found.stream.begin(), found.stream.end());
      found.joined.insert(found.joined.end(), data.begin(), data.end());
      found.stream = found.joined;
    }
    at += kChunkHead + length + kChunkTail;
    if (is_pixels) found.end = at;
  }
  if (!found.end) return {};
  return found;
}

// exactly `size` bytes
bool inflate(std::span<const std::byte> stream, std::byte* out, size_t size) {
  const std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)> decompressor(
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
  return decompressor && libdeflate_zlib_decompress(decompressor.get(), stream.data(), stream.size(), out, size,
                                                    nullptr) == LIBDEFLATE_SUCCESS;
}

// The neighbour of a + b - c that is nearest to it (left, above, above left).
int paeth(int a, int b, int c) {
  const int to_a = std::abs(b - c), to_b = std::abs(a - c), to_c = std::abs(b - c + a - c);
  const int nearer = to_b < to_a ? b : a;
  return to_c < std::min(to_a, to_b) ? c : nearer;
}

// A row of `bytes` bytes: to each the guess from its neighbours is added. `above` is the row before, already done.
template <size_t kPixel, class Guess>
void undo(const uint8_t* row, const uint8_t* above, size_t bytes, uint8_t* out, Guess guess) {
  int left[kPixel] = {}, corner[kPixel] = {};
  for (size_t i = 0; i < bytes; i += kPixel) {
    for (size_t c = 0; c < kPixel; ++c) {
      const int up = above[i + c];
      left[c] = (row[i + c] + guess(left[c], up, corner[c])) & 255;
      corner[c] = up;
      out[i + c] = static_cast<uint8_t>(left[c]);
    }
  }
}

template <size_t kPixel>
bool undo_filter(int filter, const uint8_t* row, const uint8_t* above, size_t bytes, uint8_t* out) {
  switch (filter) {
    case 0:
      std::copy_n(row, bytes, out);
      return true;
    case 1:
      undo<kPixel>(row, above, bytes, out, [](int left, int, int) { return left; });
      return true;
    case 2:
      for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<uint8_t>(row[i] + above[i]);
      return true;
    case 3:
      undo<kPixel>(row, above, bytes, out, [](int left, int up, int) { return (left + up) >> 1; });
      return true;
    case 4:
      undo<kPixel>(row, above, bytes, out, paeth);
      return true;
    default:
      return false;
  }
}

using UndoFilter = bool (*)(int filter, const uint8_t* row, const uint8_t* above, size_t bytes, uint8_t* out);

UndoFilter undo_filter_of(size_t pixel_bytes) {
  switch (pixel_bytes) {
    case 1:
      return undo_filter<1>;
    case 2:
      return undo_filter<2>;
    case 3:
      return undo_filter<3>;
    case 4:
      return undo_filter<4>;
    case 6:
      return undo_filter<6>;
    default:
      return undo_filter<8>;
  }
}

// Writes as it goes.
struct Writer {
  std::byte* at;

  void put(std::span<const std::byte> bytes) { at = std::copy(bytes.begin(), bytes.end(), at); }
  void put(std::string_view text) { put(std::as_bytes(std::span(text))); }
  void put_le16(size_t value) {
    *at++ = static_cast<std::byte>(value & 255);
    *at++ = static_cast<std::byte>(value >> 8);
  }
  void put_be32(size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) *at++ = static_cast<std::byte>(value >> shift & 255);
  }
};

// rows.count filtered rows, each behind the number of its filter -> as many stored blocks, the filter 0. Each block
// ends before the row after its own begins.
bool store_rows(const Rows& rows, const std::byte* filtered, Writer& writer) {
  const UndoFilter undo_filter = undo_filter_of(rows.pixel_bytes);
  const std::vector<uint8_t> nothing(rows.bytes);
  const uint8_t* above = nothing.data();
  for (size_t y = 0; y < rows.count; ++y, filtered += 1 + rows.bytes) {
    *writer.at++ = std::byte{y + 1 == rows.count};  // whether it is the last block
    writer.put_le16(1 + rows.bytes);
    writer.put_le16(~(1 + rows.bytes) & 0xFFFF);
    const int filter = std::to_integer<int>(*filtered);
    *writer.at++ = std::byte{0};
    auto* out = reinterpret_cast<uint8_t*>(writer.at);
    if (!undo_filter(filter, reinterpret_cast<const uint8_t*>(filtered + 1), above, rows.bytes, out)) return false;
    above = out;
    writer.at += rows.bytes;
  }
  return true;
}

}  // namespace

StoredPng with_stored_rows(std::span<const std::byte> png) {
  const std::optional<Rows> rows = rows_of(png);
  const std::optional<PixelChunks> pixels = rows ? find_pixels(png) : std::nullopt;
  if (!pixels) return {};
  const size_t inflated = rows->count * (1 + rows->bytes);
  const size_t stream = kZlibHead + rows->count * kBlockHead + inflated + kZlibTail;
  if (stream >= size_t{1} << 31) return {};  // more than a chunk may hold
  const auto head = png.first(pixels->begin), tail = png.subspan(pixels->end);
  const size_t size = head.size() + kChunkHead + stream + kChunkTail + tail.size();

  // Inflated to the end of the memory, from where the rows move to the front.
  const size_t room = size + 1 + rows->bytes;
  StoredPng stored{std::make_unique_for_overwrite<std::byte[]>(room), {}};
  std::byte* const filtered = stored.memory.get() + room - inflated;
  if (!inflate(pixels->stream, filtered, inflated)) return {};
  Writer writer{stored.memory.get()};
  writer.put(head);
  writer.put_be32(stream);
  writer.put("IDAT\x78\x01");  // and how a zlib stream begins
  if (!store_rows(*rows, filtered, writer)) return {};
  writer.put_be32(0);
  writer.put_be32(0);
  writer.put(tail);
  stored.bytes = {stored.memory.get(), size};
  return stored;
}

}  // namespace tessera::image
