#include "tessera/image/decode.h"

#include <utility>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/format.h"
#include "tessera/image/geometry.h"

namespace tessera::image {
namespace {

Decoded decode_stored(std::span<const std::byte> bytes, std::string_view name, const Decoding& how) {
  const int64_t max_pixels = how.max_pixels;
  const std::optional<Format> format = sniff(bytes);
  TESSERA_CHECK(format, "{}: not a picture (its first bytes are of no known picture format)", name);
  switch (*format) {
    case Format::jpeg:
      return decode_jpeg(bytes, name, how);
    case Format::png:
      return decode_png(bytes, name, max_pixels);
    case Format::webp:
      return decode_webp(bytes, name, max_pixels);
    case Format::gif:
      return decode_gif(bytes, name, max_pixels);
    case Format::bmp:
      return decode_bmp(bytes, name, max_pixels);
    case Format::tiff:
      return decode_tiff(bytes, name, max_pixels);
    default:
      fail("{}: {} pictures cannot be read; convert it to PNG or JPEG", name, to_string(*format));
  }
}

}  // namespace

void check_size(int64_t width, int64_t height, int64_t max_pixels, std::string_view name) {
  TESSERA_CHECK(width <= kMaxSide && height <= kMaxSide, "{}: {} x {} pixels; no side may be longer than {} pixels",
                name, width, height, kMaxSide);
  TESSERA_CHECK(width * height <= max_pixels, "{}: {} x {} pixels are more than the {} that max_pixels allows", name,
                width, height, max_pixels);
}

Picture decode(std::span<const std::byte> bytes, std::string_view name, const Decoding& how) {
  Decoded decoded = decode_stored(bytes, name, how);
  if (how.orientation == Orientation::ignore) return std::move(decoded.picture);
  return oriented(std::move(decoded.picture), decoded.orientation);
}

Picture decode_file(const std::filesystem::path& path, const Decoding& how) {
  const std::vector<std::byte> bytes = read_file(path, kMaxFileBytes + 1);
  TESSERA_CHECK(std::ssize(bytes) <= kMaxFileBytes, "{}: more than {} MiB, the most that is read of a picture",
                path.string(), kMaxFileBytes >> 20);
  return decode(bytes, path.string(), how);
}

}  // namespace tessera::image
