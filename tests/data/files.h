// Small picture files and folders for the tests of data sets.
#pragma once

#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/file.h"
#include "tessera/image/encode_png.h"
#include "tessera/image/picture.h"

namespace tessera::test {

inline void write_bytes(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, std::as_bytes(std::span(bytes)));
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, text);
}

inline void write_gzip(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

// Of one colour.
inline image::Picture plain(int64_t height, int64_t width, uint8_t value) {
  image::Picture picture(height, width, 3);
  for (uint8_t& v : picture.pixels) v = value;
  return picture;
}

inline void write_png(const std::filesystem::path& path, const image::Picture& picture) {
  std::filesystem::create_directories(path.parent_path());
  write_atomically(path, std::span<const std::byte>(image::encode_png(picture)));
}

// `count` pictures of the colours first, first + 1, …, named 1.png, 2.png, …
inline void write_class(const std::filesystem::path& folder, int count, int first) {
  for (int i = 0; i < count; ++i) {
    write_png(folder / (std::to_string(i + 1) + ".png"), plain(5 + i % 3, 6, static_cast<uint8_t>(first + i)));
  }
}

}  // namespace tessera::test
