// The reference pixels of shared/golden/images: its JSON files, digests and pictures.
#pragma once

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tessera/image/decode.h"
#include "tests/sha256.h"
#include "tests/support.h"

namespace tessera::test {

inline nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

// Decoded once per program: many cases share few files.
inline const image::Picture& reference_picture(const std::string& file) {
  static std::map<std::string, image::Picture> pictures;
  auto [entry, is_new] = pictures.try_emplace(file);
  if (is_new) entry->second = image::decode_file(*shared_path("images/" + file));
  return entry->second;
}

// 8 x 8 pixels in hex, at row (2i+1)·h/16 and column (2j+1)·w/16: where to look when a digest differs.
inline nlohmann::json grid(const image::Picture& picture) {
  nlohmann::json rows;
  for (int64_t i = 1; i < 16; i += 2) {
    std::string row;
    for (int64_t j = 1; j < 16; j += 2) {
      const uint8_t* pixel = picture.row(i * picture.height / 16) + j * picture.width / 16 * picture.channels;
      row += fmt::format("{}{:02x}", j > 1 ? " " : "", fmt::join(pixel, pixel + picture.channels, ""));
    }
    rows.push_back(row);
  }
  return rows;
}

// Empty if the picture is the one of the digest, otherwise what differs.
inline std::string difference(const image::Picture& picture, const nlohmann::json& digest) {
  if (digest.contains("size") && digest["size"] != nlohmann::json{picture.width, picture.height}) {
    return fmt::format("size {}x{}, expected {}", picture.width, picture.height, digest["size"].dump());
  }
  if (digest.contains("channels") && digest["channels"] != picture.channels) {
    return fmt::format("{} channels, expected {}", picture.channels, digest["channels"].dump());
  }
  if (digest["sha256"] == sha256(picture.pixels)) return "";
  if (!digest.contains("grid")) return "other pixels";
  return fmt::format("other pixels; grid {}\nexpected {}", grid(picture).dump(), digest["grid"].dump());
}

}  // namespace tessera::test
