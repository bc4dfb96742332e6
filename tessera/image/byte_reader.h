// The numbers of a picture file, one after the other, little-endian unless said otherwise. What lies beyond the end is
// an Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tessera/core/error.h"

namespace tessera::image {

class ByteReader {
 public:
  // name and format ("GIF") are for messages.
  ByteReader(std::span<const std::byte> bytes, std::string_view name, std::string_view format)
      : bytes_(bytes), name_(name), format_(format) {}

  void set_big_endian(bool big_endian) { big_endian_ = big_endian; }
  bool is_big_endian() const { return big_endian_; }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  void seek(size_t at) {
    if (at > bytes_.size()) cut_off();
    at_ = at;
  }
  void skip(size_t count) { take(count); }
  std::span<const std::byte> take(size_t count) {
    if (count > left()) cut_off();
    at_ += count;
    return bytes_.subspan(at_ - count, count);
  }

  uint32_t u8() { return number(1); }
  uint32_t u16() { return number(2); }
  uint32_t u32() { return number(4); }
  int32_t s32() { return static_cast<int32_t>(number(4)); }

  // "x.gif: broken GIF: …"
  template <class... Args>
  [[noreturn]] void broken(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: broken {}: {}", name_, format_, fmt::format(format, std::forward<Args>(args)...));
  }
  // "x.tif: a TIFF with … cannot be read; convert it to PNG": sound, but of a kind that is not known.
  template <class... Args>
  [[noreturn]] void unknown(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{}: a {} with {} cannot be read; convert it to PNG", name_, format_,
         fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void cut_off() const { broken("the file is cut off"); }

 private:
  uint32_t number(size_t size) {
    const std::span<const std::byte> bytes = take(size);
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i)
      value = value << 8 | std::to_integer<uint32_t>(bytes[big_endian_ ? i : size - 1 - i]);
    return value;
  }

  std::span<const std::byte> bytes_;
  std::string_view name_, format_;
  size_t at_ = 0;
  bool big_endian_ = false;
};

}  // namespace tessera::image
