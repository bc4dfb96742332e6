#include "tessera/kernels/add.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

void add(Context& context, const Add& args) {
  const Measured measured(context, [&] { return memory_work("add", args.samples * args.n, 3); });
  parallel_runs(args.samples, args.n, kMemoryGrain, [&](int64_t sample, int64_t begin, int64_t end) {
    const float *a = args.a + sample * args.n, *b = args.b;
    float* y = args.y + sample * args.n;
    for (int64_t i = begin; i < end; ++i) y[i] = a[i] + b[i];
  });
}

void accumulate(Context& context, const Accumulate& args) {
  const Measured measured(context, [&] { return memory_work("accumulate", args.n, args.y.accumulate ? 3 : 2); });
  parallel_for(args.n, kMemoryGrain, [&](int64_t begin, int64_t end) {
    const float* x = args.x + begin;
    store_over(end - begin, args.y.data + begin, args.y.accumulate, [&](int64_t i) { return x[i]; });
  });
}

}  // namespace tessera::kernels
