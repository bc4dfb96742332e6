#include "tessera/kernels/add.h"

#include "tessera/kernels/cpu/loops.h"

namespace tessera::kernels {

void add(Context&, const Add& args) {
  parallel_runs(args.samples, args.n, kMemoryGrain, [&](int64_t sample, int64_t begin, int64_t end) {
    const float *a = args.a + sample * args.n, *b = args.b;
    float* y = args.y + sample * args.n;
    for (int64_t i = begin; i < end; ++i) y[i] = a[i] + b[i];
  });
}

void accumulate(Context&, const Accumulate& args) {
  parallel_for(args.n, kMemoryGrain, [&](int64_t begin, int64_t end) {
    const float* x = args.x + begin;
    store_over(end - begin, args.y.data + begin, args.y.accumulate, [&](int64_t i) { return x[i]; });
  });
}

}  // namespace tessera::kernels
