#include "tessera/kernels/columns.h"

#include <algorithm>

#include "tessera/core/parallel.h"

namespace tessera::kernels {

namespace {
constexpr int64_t kGrain = 64;  // rows per piece at least
}

void columns_forward(Context&, const ColumnsForward& a) {
  parallel_for(a.rows, kGrain, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) std::copy_n(a.x + r * a.D + a.begin, a.count, a.y + r * a.count);
  });
}

void columns_backward(Context&, const ColumnsBackward& a) {
  if (!a.dx) return;
  parallel_for(a.rows, kGrain, [&](int64_t first, int64_t last) {
    for (int64_t r = first; r < last; ++r) {
      float* dx = a.dx.data + r * a.D;
      if (!a.dx.accumulate) std::fill_n(dx, a.D, 0.0f);
      for (int64_t c = 0; c < a.count; ++c) dx[a.begin + c] += a.dy[r * a.count + c];
    }
  });
}

}  // namespace tessera::kernels
