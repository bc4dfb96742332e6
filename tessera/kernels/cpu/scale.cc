#include "tessera/kernels/scale.h"

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {
int64_t grain_of(int64_t D) { return std::max<int64_t>(kMemoryGrain / std::max<int64_t>(D, 1), 1); }  // rows
}  // namespace

void scale_forward(Context& context, const ScaleForward& args) {
  const Measured measured(context, [&] { return memory_work("scale", args.rows * args.D, 2); });
  parallel_for(args.rows, grain_of(args.D), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float *x = args.x + r * args.D, *gamma = args.gamma;
      store_over(args.D, args.y + r * args.D, false, [&](int64_t i) { return x[i] * gamma[i]; });
    }
  });
}

void scale_backward(Context& context, const ScaleBackward& args) {
  const Measured measured(context, [&] { return memory_work("scale, backward", args.rows * args.D, 3); });
  const int64_t grain = grain_of(args.D);
  PartialSums dgamma(args.dgamma, args.D, parallel_pieces(args.rows, grain));
  parallel_for_pieces(args.rows, grain, [&](int piece, int64_t begin, int64_t end) {
    float* sums = dgamma.of(piece);
    for (int64_t r = begin; r < end; ++r) {
      const float *x = args.x + r * args.D, *dy = args.dy + r * args.D, *gamma = args.gamma;
      if (args.dx)
        store_over(args.D, args.dx.data + r * args.D, args.dx.accumulate, [&](int64_t i) { return dy[i] * gamma[i]; });
      if (sums) store_over(args.D, sums, true, [&](int64_t i) { return dy[i] * x[i]; });
    }
  });
  dgamma.gather();
}

}  // namespace tessera::kernels
