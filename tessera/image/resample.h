// Pictures of floats in another size: what resize() does for bytes, without its rounding.
#pragma once

#include <cstdint>

#include "tessera/image/resize.h"

namespace tessera::image {

// The whole picture, along the rows and then along the columns; values outside of [0, 1] stay what they are. The filter
// is not nearest. in (h, w, C) -> out (H, W, C)
void resample(const float* in, int64_t h, int64_t w, int64_t channels, Filter filter, int64_t H, int64_t W, float* out);

}  // namespace tessera::image
