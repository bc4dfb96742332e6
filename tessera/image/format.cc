#include "tessera/image/format.h"

#include <cstring>

namespace tessera::image {
namespace {

bool has(std::span<const std::byte> bytes, size_t offset, std::string_view magic) {
  return bytes.size() >= offset + magic.size() && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

}  // namespace

std::optional<Format> sniff(std::span<const std::byte> bytes) {
  using namespace std::string_view_literals;
  if (has(bytes, 0, "\xFF\xD8\xFF"sv)) return Format::jpeg;
  if (has(bytes, 0, "\x89PNG\r\n\x1A\n"sv)) return Format::png;
  if (has(bytes, 0, "RIFF"sv) && has(bytes, 8, "WEBP"sv)) return Format::webp;
  if (has(bytes, 0, "GIF87a"sv) || has(bytes, 0, "GIF89a"sv)) return Format::gif;
  if (has(bytes, 0, "BM"sv) && has(bytes, 6, "\0\0\0\0"sv)) return Format::bmp;  // "BM" alone also begins a text
  if (has(bytes, 0, "II*\0"sv) || has(bytes, 0, "MM\0*"sv)) return Format::tiff;
  for (std::string_view brand : {"avif"sv, "heic"sv, "heix"sv, "mif1"sv}) {
    if (has(bytes, 4, "ftyp"sv) && has(bytes, 8, brand)) return Format::heif;
  }
  return std::nullopt;
}

bool can_decode(Format format) { return format != Format::heif; }

std::string_view to_string(Format format) {
  switch (format) {
    case Format::jpeg:
      return "JPEG";
    case Format::png:
      return "PNG";
    case Format::webp:
      return "WebP";
    case Format::gif:
      return "GIF";
    case Format::bmp:
      return "BMP";
    case Format::tiff:
      return "TIFF";
    case Format::heif:
      return "HEIF or AVIF";
  }
  return "unknown";
}

}  // namespace tessera::image
