#include "tessera/ops/embedding.h"

#include <algorithm>
#include <vector>

#include "tessera/kernels/embedding.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor embedding(const Tensor& table, const Tensor& index) {
  TESSERA_CHECK(table.rank() == 2, "embedding: table must be (T, D), but it is {}", to_string(table.shape()));
  const int64_t N = index.numel(), T = table.size(0), D = table.size(1);
  const auto indices = index.span<int32_t>();
  const auto outside = std::find_if(indices.begin(), indices.end(), [T](int32_t i) { return i < -1 || i >= T; });
  TESSERA_CHECK(outside == indices.end(), "embedding: index {} is outside the table of {} rows", *outside, T);
  std::vector<int64_t> extents = index.shape().extents();
  extents.push_back(D);
  Tensor y = Tensor::empty(Shape(extents));  // (…, D)
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
