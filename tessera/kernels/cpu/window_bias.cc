#include "tessera/kernels/cpu/window_bias.h"

#include <algorithm>
#include <type_traits>

#include "tessera/core/parallel.h"

namespace tessera::kernels {

namespace {

// Calls loop(width) with the width of windows as a constant where it is common: short copies then need no loop.
template <class Loop>
void with_width(int64_t width, const Loop& loop) {
  if (width == 7) return loop(std::integral_constant<int64_t, 7>());
  if (width == 8) return loop(std::integral_constant<int64_t, 8>());
  if (width == 12) return loop(std::integral_constant<int64_t, 12>());
  loop(width);
}

// Read backwards, a row of the table holds what a query has for the keys of one row of the window side by side:
// body(i, j, t) for the keys j … j + window.w of query i, whose biases start at element t of the rows read backwards.
template <class Body>
void for_key_rows(const Extent2d& window, const Body& body) {
  const int64_t span = 2 * window.w - 1;
  for (int64_t i = 0; i < window.h * window.w; ++i) {
    const int64_t y = i / window.w, x = i % window.w;
    for (int64_t v = 0; v < window.h; ++v) body(i, v * window.w, (y - v + window.h - 1) * span + window.w - 1 - x);
  }
}

// Element t of the rows read backwards, in the table.
int64_t backwards(int64_t t, int64_t span) { return t / span * span + span - 1 - t % span; }

}  // namespace

Floats window_bias(const WindowAttentionInputs& in) {
  const WindowGrid& grid = in.grid;
  const int64_t M = grid.places(), T = grid.offsets(), span = 2 * grid.window.w - 1, stride = window_bias_stride(grid);
  Floats bias(in.h * M * stride);
  parallel_for(in.h, 1, [&](int64_t begin, int64_t end) {
    const Floats rows(T);
    for (int64_t head = begin; head < end; ++head) {
      float* to = bias.data() + head * M * stride;
      for (int64_t t = 0; t < T; ++t) rows.data()[t] = in.bias_table[backwards(t, span) * in.h + head];
      with_width(grid.window.w, [&](auto width) {
        for_key_rows(grid.window, [&](int64_t i, int64_t j, int64_t t) {
          std::copy_n(rows.data() + t, static_cast<int64_t>(width), to + i * stride + j);
        });
      });
    }
  });
  return bias;
}

void window_bias_to_table(const WindowAttentionInputs& in, const float* dbias, int pieces, const Grad& dtable) {
  const WindowGrid& grid = in.grid;
  const int64_t M = grid.places(), T = grid.offsets(), span = 2 * grid.window.w - 1, stride = window_bias_stride(grid);
  parallel_for(in.h, 1, [&](int64_t begin, int64_t end) {
    const Floats rows(T);
    for (int64_t head = begin; head < end; ++head) {
      std::fill_n(rows.data(), T, 0.0f);
      for (int piece = 0; piece < pieces; ++piece) {
        const float* from = dbias + (piece * in.h + head) * M * stride;
        with_width(grid.window.w, [&](auto width) {
          for_key_rows(grid.window, [&](int64_t i, int64_t j, int64_t t) {
            for (int64_t u = 0; u < width; ++u) rows.data()[t + u] += from[i * stride + j + u];
          });
        });
      }
      for (int64_t t = 0; t < T; ++t) {
        float& out = dtable.data[backwards(t, span) * in.h + head];
        out = dtable.accumulate ? out + rows.data()[t] : rows.data()[t];
      }
    }
  });
}

}  // namespace tessera::kernels
