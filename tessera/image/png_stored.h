// The slow half of reading a PNG, done fast: inflating the pixels (libdeflate takes half the time of the zlib in
// libpng) and undoing the filters of the rows.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace tessera::image {

struct StoredPng {
  std::unique_ptr<std::byte[]> memory;
  std::span<const std::byte> bytes;  // into `memory`; empty: see below
};

// The same file with its pixels as they are, in stored blocks of unfiltered rows, so that libpng has only to copy them.
// The checksums of these blocks are left out (0). Nothing where the picture is interlaced or the pixels are not as they
// should be in any way: libpng then finds out what is wrong with the original. Pure.
StoredPng with_stored_rows(std::span<const std::byte> png);

}  // namespace tessera::image
