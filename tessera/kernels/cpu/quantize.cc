#include "tessera/kernels/quantize.h"

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/quantize.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

void Quantize(const QuantizeRows& a, int64_t begin, int64_t end) {
  for (int64_t r = begin; r < end; ++r) a.scale[r] = QuantizeRow(a.x + r * a.N, a.N, a.q + r * a.N);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(Quantize);

void quantize_rows(Context& context, const QuantizeRows& args) {
  const Measured measured(context, [&] { return memory_work("quantize", args.rows * args.N, 1.25); });
  parallel_for(args.rows, 1 + 16384 / args.N, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Quantize)(args, begin, end);
  });
}

void dequantize_rows(Context&, const DequantizeRows& args) {
  parallel_for(args.rows, 1 + 16384 / args.N, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t c = 0; c < args.N; ++c)
        args.x[r * args.N + c] = args.scale[r] * static_cast<float>(args.q[r * args.N + c]);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
