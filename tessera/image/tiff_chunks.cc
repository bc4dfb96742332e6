#include "tessera/image/tiff_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace tessera::image {
namespace {

using Bytes = std::span<const std::byte>;

std::vector<uint8_t> copied(Bytes data, size_t size) {
  const auto* begin = reinterpret_cast<const uint8_t*>(data.data());
  return {begin, begin + std::min(size, data.size())};
}

// A count below 128 is followed by so many bytes and one more; one above by a byte that is repeated 257 - count times.
std::vector<uint8_t> from_packbits(Bytes data, size_t size) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i < data.size() && out.size() < size;) {
    const auto count = std::to_integer<size_t>(data[i++]);
    if (count < 128) {
      const std::vector<uint8_t> run = copied(data.subspan(i), std::min(count + 1, size - out.size()));
      out.insert(out.end(), run.begin(), run.end());
      i += count + 1;
      if (i > data.size()) break;
    } else if (count > 128 && i < data.size()) {
      out.insert(out.end(), std::min(257 - count, size - out.size()), std::to_integer<uint8_t>(data[i++]));
    }
  }
  return out;
}

// Codes of 9 to 12 bits, the highest bit first, which grow one code earlier than they would have to.
std::vector<uint8_t> from_lzw(Bytes data, size_t size) {
  constexpr uint32_t kClear = 256, kEnd = 257, kMost = 4096;
  std::array<uint16_t, kMost> prefix{};  // a string is that of its prefix and one more byte
  std::array<uint8_t, kMost> suffix{};
  std::vector<uint8_t> out, text;
  uint32_t next = kEnd + 1, before = kClear, bits = 0;
  int width = 9, count = 0;
  for (size_t i = 0; out.size() < size;) {
    for (; count < width && i < data.size(); count += 8) bits = bits << 8 | std::to_integer<uint32_t>(data[i++]);
    if (count < width) break;
    const uint32_t code = bits >> (count - width) & ((1u << width) - 1);
    count -= width;
    if (code == kEnd) break;
    if (code == kClear) {
      next = kEnd + 1;
      width = 9;
      before = kClear;
      continue;
    }
    if (code > next || (code >= next && before == kClear)) break;
    text.clear();
    // The one that is not yet known is the string before and its own first byte.
    for (uint32_t rest = code == next ? before : code;; rest = prefix[rest]) {
      text.push_back(rest < kClear ? static_cast<uint8_t>(rest) : suffix[rest]);
      if (rest < kClear) break;
    }
    const uint8_t head = text.back();
    if (code == next) text.insert(text.begin(), head);
    out.insert(out.end(), text.rbegin(), text.rend());
    if (before != kClear && next < kMost) {
      prefix[next] = static_cast<uint16_t>(before);
      suffix[next] = head;
      if (++next + 1 >= 1u << width && width < 12) ++width;
    }
    before = code;
  }
  out.resize(std::min(out.size(), size));
  return out;
}

std::vector<uint8_t> from_deflate(Bytes data, size_t size) {
  std::vector<uint8_t> out(size);
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return {};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(size);
  inflate(&stream, Z_FINISH);
  out.resize(size - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

}  // namespace

bool is_known(TiffCompression compression) {
  return compression == TiffCompression::none || compression == TiffCompression::lzw ||
         compression == TiffCompression::deflate || compression == TiffCompression::packbits ||
         compression == TiffCompression::old_deflate;
}

std::vector<uint8_t> decompress(TiffCompression compression, Bytes data, size_t size) {
  switch (compression) {
    case TiffCompression::none:
      return copied(data, size);
    case TiffCompression::lzw:
      return from_lzw(data, size);
    case TiffCompression::packbits:
      return from_packbits(data, size);
    case TiffCompression::deflate:
    case TiffCompression::old_deflate:
      return from_deflate(data, size);
  }
  return {};
}

}  // namespace tessera::image
