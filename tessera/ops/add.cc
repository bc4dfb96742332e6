#include "tessera/ops/add.h"

#include "tessera/kernels/add.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

Tensor add(const Tensor& a, const Tensor& b) {
  TESSERA_CHECK(a.shape() == b.shape(), "add: a is {}, but b is {}", to_string(a.shape()), to_string(b.shape()));
  Tensor y = Tensor::empty(a.shape());
  kernels::add(kernels::cpu_context(), {.a = a.data(), .b = b.data(), .y = y.data(), .n = y.numel()});
  if (recording({a, b})) {
    record(y, [da = GradientOf(a), db = GradientOf(b)](const Tensor& dy) {
      // One of them may take dy over; the other needs a buffer of its own, since each may be added to later.
      if (da.wanted() && db.wanted()) {
        kernels::accumulate(kernels::cpu_context(), {.x = dy.data(), .y = db.target(), .n = dy.numel()});
      } else {
        db.add(dy);
      }
      da.add(dy);
    });
  }
  return y;
}

}  // namespace tessera::ops
