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

void sum_samples(Context&, const SumSamples& args) {
  constexpr int64_t kChunk = 2048;  // of sums, which stay in the first cache while all samples pass by
  const int64_t grain = std::max<int64_t>(kMemoryGrain / std::max<int64_t>(args.samples, 1), 16);
  parallel_for(args.n, grain, [&](int64_t begin, int64_t end) {
    for (; begin < end; begin += kChunk) {
      const int64_t count = std::min(kChunk, end - begin);
      float* y = args.y.data + begin;
      if (!args.y.accumulate) std::fill_n(y, count, 0.0f);
      for (int64_t sample = 0; sample < args.samples; ++sample) {
        const float* x = args.x + sample * args.stride + begin;
        for (int64_t i = 0; i < count; ++i) y[i] += x[i];
      }
    }
  });
}

}  // namespace tessera::kernels
