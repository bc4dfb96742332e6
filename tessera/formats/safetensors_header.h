// The JSON header of a safetensors file, for safetensors.cc.
#pragma once

#include <filesystem>
#include <span>

#include "tessera/formats/safetensors.h"

namespace tessera::formats {

// The header's length is limited by the format.
inline constexpr uint64_t kMaxSafeTensorsHeader = 100'000'000;

// The bytes of a file that its length and header take, checked against the size of the file. `head`: its first 64
// bytes.
uint64_t safetensors_data_begin(const std::filesystem::path& path, std::span<const std::byte> head, uint64_t file_size);

// `head`: at least the first safetensors_data_begin() bytes.
SafeTensorsHeader parse_safetensors_header(const std::filesystem::path& path, std::span<const std::byte> head,
                                           uint64_t file_size);

}  // namespace tessera::formats
