#include "tessera/kernels/embedding.h"

#include <algorithm>

#include "tessera/core/parallel.h"

namespace tessera::kernels {

namespace {
constexpr int64_t kGrain = 64;  // columns or rows per piece at least
}

void embedding_forward(Context&, const EmbeddingForward& a) {
  parallel_for(a.N, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* row = a.y + i * a.D;
      if (a.index[i] >= 0) {
        std::copy_n(a.table + a.index[i] * a.D, a.D, row);
      } else {
        std::fill_n(row, a.D, 0.0f);
      }
    }
  });
}

// Split by columns: rows of the table may be hit more than once.
void embedding_backward(Context&, const EmbeddingBackward& a) {
  if (!a.dtable) return;
  parallel_for(a.D, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t t = 0; t < a.T && !a.dtable.accumulate; ++t)
      std::fill(a.dtable.data + t * a.D + begin, a.dtable.data + t * a.D + end, 0.0f);
    for (int64_t i = 0; i < a.N; ++i) {
      if (a.index[i] < 0) continue;
      float* row = a.dtable.data + a.index[i] * a.D;
      for (int64_t c = begin; c < end; ++c) row[c] += a.dy[i * a.D + c];
    }
  });
}

}  // namespace tessera::kernels
