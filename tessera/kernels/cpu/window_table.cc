#include "tessera/kernels/cpu/window_table.h"

#include <algorithm>

namespace tessera::kernels {

namespace {

// One axis of the map, as the windows see it.
struct Axis {
  std::vector<int32_t> source;  // of each place; -1: padding
  std::vector<int32_t> region;  // 0, 1 or 2
};

// n places of the map, rolled by `shift` and padded, in either order, to whole windows.
Axis axis_of(int64_t n, int64_t window, int64_t shift, bool pad_first) {
  const int64_t padded = (n + window - 1) / window * window, cycle = pad_first ? padded : n;
  Axis axis;
  for (int64_t place = 0; place < padded; ++place) {
    const int64_t source = place < cycle ? (place + shift) % cycle : n;
    axis.source.push_back(source < n ? static_cast<int32_t>(source) : WindowTable::kPadding);
    axis.region.push_back(shift == 0 || place < padded - window ? 0 : place < padded - shift ? 1 : 2);
  }
  return axis;
}

}  // namespace

WindowTable::WindowTable(const WindowGrid& grid) : places_(grid.places()) {
  const Axis rows = axis_of(grid.H, grid.window.h, grid.shift.h, grid.pad_first);
  const Axis columns = axis_of(grid.W, grid.window.w, grid.shift.w, grid.pad_first);
  for (int64_t window = 0; window < grid.windows(); ++window) {
    const auto top = static_cast<size_t>(window / grid.columns() * grid.window.h);
    const auto left = static_cast<size_t>(window % grid.columns() * grid.window.w);
    for (size_t r = top; r < top + static_cast<size_t>(grid.window.h); ++r) {
      for (size_t c = left; c < left + static_cast<size_t>(grid.window.w); ++c) {
        const int32_t row = rows.source[r], column = columns.source[c];
        const bool padding = row == kPadding || column == kPadding;
        tokens_.push_back(padding ? kPadding : row * static_cast<int32_t>(grid.W) + column);
        regions_.push_back(static_cast<float>(3 * rows.region[r] + columns.region[c]));
      }
    }
    const auto first = regions_.end() - static_cast<std::ptrdiff_t>(places_);
    mixed_.push_back(std::any_of(first, regions_.end(), [&](float region) { return region != *first; }));
  }
}

}  // namespace tessera::kernels
