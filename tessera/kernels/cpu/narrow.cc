#include "tessera/kernels/narrow.h"

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/narrow.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

void NarrowVectors(const float* x, bf16* y, int64_t n) {
  StoreOver(n, y, false, [&](auto load) { return load(x); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(NarrowVectors);

void narrow(Context& context, const Narrow& args) {
  const Measured measured(context, [&] { return memory_work("to bf16", args.n, 1.5); });
  parallel_for(args.n, 32768, [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(NarrowVectors)(args.x + begin, args.y + begin, end - begin);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
