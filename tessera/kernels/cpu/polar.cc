#include "tessera/kernels/polar.h"

#include <algorithm>
#include <cmath>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Of logits and maps read once: plain loops. body(index into (P, C), index of the real part into (P, 2·C)).
template <class Body>
void for_numbers(int64_t P, int64_t C, const Body& body) {
  parallel_for(P, std::max<int64_t>(kMemoryGrain / C, 1), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p)
      for (int64_t c = 0; c < C; ++c) body(p * C + c, p * 2 * C + c);
  });
}

void store(const Grad& grad, int64_t i, float value) { grad.data[i] = grad.accumulate ? grad.data[i] + value : value; }

}  // namespace

void magnitude_forward(Context& context, const MagnitudeForward& args) {
  const Measured measured(context, [&] { return memory_work("magnitude", args.P * args.C, 3); });
  for_numbers(args.P, args.C, [&](int64_t i, int64_t re) {
    const float x = args.z[re], y = args.z[re + args.C];
    args.m[i] = std::sqrt(x * x + y * y);
  });
}

void magnitude_backward(Context& context, const MagnitudeBackward& args) {
  const Measured measured(context, [&] { return memory_work("magnitude, backward", args.P * args.C, 5); });
  for_numbers(args.P, args.C, [&](int64_t i, int64_t re) {
    const float x = args.z[re], y = args.z[re + args.C], m = std::sqrt(x * x + y * y);
    const float share = m == 0 ? 0 : args.dm[i] / m;
    store(args.dz, re, share * x);
    store(args.dz, re + args.C, share * y);
  });
}

// A few logits of each sample: one thread, one order.
void weighted_phase_forward(Context& context, const WeightedPhaseForward& args) {
  const Measured measured(context, [&] { return memory_work("weighted phase", args.P * args.C, 3); });
  double sum = 0;
  for (int64_t p = 0; p < args.P; ++p) {
    const float *re = args.z + p * 2 * args.C, *im = re + args.C, *w = args.w + p * args.C;
    for (int64_t c = 0; c < args.C; ++c) sum += w[c] * std::atan2(static_cast<double>(im[c]), re[c]);
  }
  *args.sum = static_cast<float>(sum);
}

void weighted_phase_backward(Context& context, const WeightedPhaseBackward& args) {
  const Measured measured(context, [&] { return memory_work("weighted phase, backward", args.P * args.C, 5); });
  for_numbers(args.P, args.C, [&](int64_t i, int64_t re) {
    const float x = args.z[re], y = args.z[re + args.C], square = x * x + y * y;
    const float share = square == 0 ? 0 : args.dsum * args.w[i] / square;
    store(args.dz, re, -share * y);
    store(args.dz, re + args.C, share * x);
  });
}

}  // namespace tessera::kernels
