#include "tessera/ops/embedding.h"

#include <algorithm>

#include "tessera/kernels/embedding.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor embedding(const Tensor& table, const Tensor& index) {
  TESSERA_CHECK(table.rank() == 2 && index.rank() == 1, "embedding: table must be (T, D) and index (N), not {} and {}",
                to_string(table.shape()), to_string(index.shape()));
  const int64_t N = index.size(0), T = table.size(0), D = table.size(1);
  const auto outside = [T](int32_t i) { return i < 0 || i >= T; };
  TESSERA_CHECK(std::none_of(index.data<int32_t>(), index.data<int32_t>() + N, outside),
                "embedding: an index is outside the table of {} rows", T);
  Tensor y = Tensor::empty({N, D});
  kernels::embedding_forward(kernels::cpu_context(),
                             {.table = table.data(), .index = index.data<int32_t>(), .y = y.data(), .N = N, .D = D});
  if (recording({table})) {
    record(y, [=, dtable = GradientOf(table)](const Tensor& dy) {
      kernels::embedding_backward(
          kernels::cpu_context(),
          {.dy = dy.data(), .index = index.data<int32_t>(), .dtable = dtable.target(), .N = N, .T = T, .D = D});
    });
  }
  return y;
}

}  // namespace tessera::ops
