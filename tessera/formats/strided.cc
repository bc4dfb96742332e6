#include "tessera/formats/strided.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace tessera::formats {
namespace {

// A matrix with any strides in both directions, T its elements' bits. In tiles, so that a transposed one is read and
// written in whole cache lines. All strides in elements; the columns of `to` lie side by side.
template <class T>
void copy_matrix(const std::byte* from, int64_t rows, int64_t row_stride, int64_t columns, int64_t column_stride,
                 std::byte* to, int64_t to_row_stride) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  if (column_stride == 1) {
    for (int64_t r = 0; r < rows; ++r)
      std::memcpy(to + r * to_row_stride * kSize, from + r * row_stride * kSize, static_cast<size_t>(columns * kSize));
    return;
  }
  constexpr int64_t kTile = 16;
  for (int64_t r0 = 0; r0 < rows; r0 += kTile)
    for (int64_t c0 = 0; c0 < columns; c0 += kTile)
      for (int64_t r = r0; r < std::min(r0 + kTile, rows); ++r)
        for (int64_t c = c0; c < std::min(c0 + kTile, columns); ++c)
          std::memcpy(to + (r * to_row_stride + c) * kSize, from + (r * row_stride + c * column_stride) * kSize, kSize);
}

template <class T>
void copy(const std::byte* from, const Shape& shape, std::span<const int64_t> strides, std::byte* to) {
  const int rank = shape.rank();
  if (rank == 0) {
    std::memcpy(to, from, sizeof(T));
    return;
  }
  const int last = rank - 1;
  const std::vector<int64_t> to_strides = row_major_strides(shape);
  // The rows of the matrices: the axis whose neighbours lie closest in the source, the last one aside.
  int row = -1;
  for (int axis = 0; axis < last; ++axis)
    if (shape[axis] > 1 && (row < 0 || strides[axis] < strides[row])) row = axis;
  std::vector<int64_t> index(rank, 0);
  int64_t at = 0, to_at = 0;  // of the matrix, in elements
  for (;;) {
    copy_matrix<T>(from + at * static_cast<int64_t>(sizeof(T)), row < 0 ? 1 : shape[row], row < 0 ? 0 : strides[row],
                   shape[last], strides[last], to + to_at * static_cast<int64_t>(sizeof(T)),
                   row < 0 ? 0 : to_strides[row]);
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      if (axis == row) continue;
      at += strides[axis];
      to_at += to_strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      to_at -= to_strides[axis] * shape[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

}  // namespace

std::vector<int64_t> row_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()));
  int64_t count = 1;
  for (size_t axis = strides.size(); axis-- > 0; count *= shape[static_cast<int>(axis)]) strides[axis] = count;
  return strides;
}

std::vector<int64_t> column_major_strides(const Shape& shape) {
  std::vector<int64_t> strides(static_cast<size_t>(shape.rank()));
  int64_t count = 1;
  for (size_t axis = 0; axis < strides.size(); count *= shape[static_cast<int>(axis++)]) strides[axis] = count;
  return strides;
}

bool is_row_major(const Shape& shape, std::span<const int64_t> strides) {
  int64_t count = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[static_cast<size_t>(axis)] != count) return false;
    count *= shape[axis];
  }
  return true;
}

void copy_strided(const std::byte* from, size_t size, const Shape& shape, std::span<const int64_t> strides,
                  std::byte* to) {
  if (shape.numel() == 0) return;
  switch (size) {
    case 1:
      return copy<uint8_t>(from, shape, strides, to);
    case 2:
      return copy<uint16_t>(from, shape, strides, to);
    case 4:
      return copy<uint32_t>(from, shape, strides, to);
    default:
      return copy<uint64_t>(from, shape, strides, to);
  }
}

}  // namespace tessera::formats
