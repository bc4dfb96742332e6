#include "tessera/image/decode.h"

#include <utility>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/format.h"
#include "tessera/image/geometry.h"

namespace tessera::image {
namespace {

Decoded decode_stored(std::span<const std::byte> bytes, std::string_view name, Orientation orientation,
                      const Need& need) {
  const std::optional<Format> format = sniff(bytes);
  TESSERA_CHECK(format, "{}: not a picture (its first bytes are of no known picture format)", name);
  switch (*format) {
    case Format::jpeg:
      return decode_jpeg(bytes, name, orientation, need);
    case Format::png:
      return decode_png(bytes, name);
    default:
      fail("{}: {} pictures cannot be read; convert it to PNG or JPEG", name, to_string(*format));
  }
}

}  // namespace

Picture decode(std::span<const std::byte> bytes, std::string_view name, Orientation orientation, const Need& need) {
  Decoded decoded = decode_stored(bytes, name, orientation, need);
  if (orientation == Orientation::ignore) return std::move(decoded.picture);
  return oriented(std::move(decoded.picture), decoded.orientation);
}

Picture decode_file(const std::filesystem::path& path, Orientation orientation, const Need& need) {
  return decode(read_file(path), path.string(), orientation, need);
}

}  // namespace tessera::image
