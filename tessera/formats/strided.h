// Views with strides, made contiguous.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tessera/core/shape.h"

namespace tessera::formats {

// The strides, in elements, of the two orders in which files hold arrays.
std::vector<int64_t> row_major_strides(const Shape& shape);
std::vector<int64_t> column_major_strides(const Shape& shape);

// Whether a view of these strides is the row-major order itself (the strides of axes of extent 1 do not matter).
bool is_row_major(const Shape& shape, std::span<const int64_t> strides);

// The elements of `size` bytes (1, 2, 4 or 8) of a view that begins at `from`, one after another into `to`, which has
// room for shape.numel() of them. Strides count elements and are not negative.
void copy_strided(const std::byte* from, size_t size, const Shape& shape, std::span<const int64_t> strides,
                  std::byte* to);

}  // namespace tessera::formats
