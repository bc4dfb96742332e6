#include "tessera/image/exif.h"

#include <cstdint>
#include <cstring>

namespace tessera::image {
namespace {

constexpr uint32_t kOrientationTag = 0x0112;
enum FieldType : uint32_t { kShort = 3, kLong = 4 };

// Integers of either byte order; 0 outside the data.
class TiffView {
 public:
  TiffView(std::span<const std::byte> data, bool big_endian) : data_(data), big_endian_(big_endian) {}

  uint32_t integer(uint64_t offset, int bytes) const {
    if (offset + static_cast<uint64_t>(bytes) > data_.size()) return 0;
    uint32_t value = 0;
    for (int i = 0; i < bytes; ++i) {
      const int at = big_endian_ ? i : bytes - 1 - i;
      value = value << 8 | std::to_integer<uint32_t>(data_[offset + static_cast<uint64_t>(at)]);
    }
    return value;
  }

 private:
  std::span<const std::byte> data_;
  bool big_endian_;
};

bool starts_with(std::span<const std::byte> data, const char* text, size_t size) {
  return data.size() >= size && std::memcmp(data.data(), text, size) == 0;
}

}  // namespace

int exif_orientation(std::span<const std::byte> data) {
  if (starts_with(data, "Exif\0\0", 6)) data = data.subspan(6);
  const bool big_endian = starts_with(data, "MM\0*", 4);
  if (!big_endian && !starts_with(data, "II*\0", 4)) return 0;
  const TiffView view(data, big_endian);
  // Directory: count (2 bytes), then entries of 12: tag (2), type (2), number of values (4), value or offset (4).
  const uint64_t directory = view.integer(4, 4);
  const uint32_t entries = view.integer(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + 12 * static_cast<uint64_t>(i);
    if (view.integer(entry, 2) != kOrientationTag) continue;
    const uint32_t type = view.integer(entry + 2, 2);
    const int bytes = type == kShort ? 2 : type == kLong ? 4 : 0;
    const uint32_t value = view.integer(entry + 4, 4) == 1 ? view.integer(entry + 8, bytes) : 1;
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 0;
}

int xmp_orientation(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  for (size_t at = xmp.find(kName); at != std::string_view::npos; at = xmp.find(kName, at)) {
    at += kName.size();
    std::string_view value = xmp.substr(at);
    const size_t opening = value.starts_with("=\"") ? 2 : value.starts_with(">") ? 1 : 0;
    if (!opening) continue;
    value.remove_prefix(opening);
    if (value.empty() || value[0] < '0' || value[0] > '9') continue;
    return value[0] >= '1' && value[0] <= '8' ? value[0] - '0' : 1;
  }
  return 0;
}

std::vector<std::byte> raw_profile(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::vector<std::byte> bytes;
  int digits = 0, value = 0;
  for (char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    value = value << 4 | digit;
    if (++digits % 2 == 0) bytes.push_back(static_cast<std::byte>(value & 0xFF));
  }
  return bytes;
}

}  // namespace tessera::image
