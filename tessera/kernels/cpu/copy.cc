#include "tessera/kernels/copy.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

void copy_samples(Context& context, const CopySamples& args) {
  const Measured measured(context, [&] { return memory_work("copy", args.samples * args.n, 2); });
  parallel_runs(args.samples, args.n, kMemoryGrain, [&](int64_t sample, int64_t begin, int64_t end) {
    float* y = args.y.data + sample * args.y_stride + begin;
    const auto fill = [&](auto value) { store_over(end - begin, y, args.y.accumulate, value); };
    if (args.x) {
      const float* x = args.x + sample * args.x_stride + begin;
      fill([&](int64_t i) { return x[i]; });
    } else {
      fill([](int64_t) { return 0.0f; });
    }
  });
}

}  // namespace tessera::kernels
