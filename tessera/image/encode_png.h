// Pictures to PNG bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "tessera/image/picture.h"

namespace tessera::image {

// 8-bit gray or RGB, without a time or a text: the same picture gives the same bytes (with the same libpng and zlib).
std::vector<std::byte> encode_png(const Picture& picture);

}  // namespace tessera::image
