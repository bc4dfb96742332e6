#include "tessera/kernels/add.h"

#include <algorithm>

#include "tessera/core/parallel.h"

namespace tessera::kernels {

namespace {
constexpr int64_t kGrain = 32768;  // elements per piece at least
}

// Bound by memory: these loops run at its speed with the baseline's vectors already.
void add(Context&, const Add& args) {
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) args.y[i] = args.a[i] + args.b[i];
  });
}

void accumulate(Context&, const Accumulate& args) {
  parallel_for(args.n, kGrain, [&](int64_t begin, int64_t end) {
    float* y = args.y.data;
    if (!args.y.accumulate) {
      std::copy(args.x + begin, args.x + end, y + begin);
    } else {
      for (int64_t i = begin; i < end; ++i) y[i] += args.x[i];
    }
  });
}

}  // namespace tessera::kernels
