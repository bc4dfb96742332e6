// The compressions of TIFF that baseline readers know, and LZW and deflate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::image {

enum class TiffCompression : uint32_t { none = 1, lzw = 5, deflate = 8, packbits = 32773, old_deflate = 32946 };

bool is_known(TiffCompression compression);

// One strip or tile: `size` bytes, or fewer where the data are cut off or make no sense.
std::vector<uint8_t> decompress(TiffCompression compression, std::span<const std::byte> data, size_t size);

}  // namespace tessera::image
