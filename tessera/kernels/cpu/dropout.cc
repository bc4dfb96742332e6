#include "tessera/kernels/dropout.h"

#include <algorithm>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/dropout.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/random-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Elements [begin, end) of one sample; begin is the first of a block.
void DropoutRun(const Dropout& a, int64_t sample, int64_t begin, int64_t end) {
  constexpr int64_t kChunk = 1024;  // words, which stay in the first cache
  HWY_ALIGN uint32_t words[kChunk];
  const F f;
  const Vec scale = hn::Set(f, 1 / (1 - a.p));
  for (; begin < end; begin += kChunk) {
    const int64_t n = std::min(kChunk, end - begin);
    FillWords(a.key, a.step, a.first_sample + static_cast<uint64_t>(sample), static_cast<uint64_t>(begin / 4), n,
              words);
    const float* x = a.x + sample * a.n + begin;
    const uint32_t* word = words;
    StoreOver(n, a.y.data + sample * a.n + begin, a.y.accumulate, [&](auto load) {
      const auto kept = KeptBy(word, a.p);
      word += LaneCount();
      return hn::IfThenElseZero(kept, hn::Mul(load(x), scale));
    });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(DropoutRun);

void dropout(Context& context, const Dropout& args) {
  const Measured measured(context, [&] { return memory_work("dropout", args.samples * args.n, 2); });
  // In blocks of four elements, which share a draw.
  parallel_runs(args.samples, (args.n + 3) / 4, kMemoryGrain / 8, [&](int64_t sample, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(DropoutRun)(args, sample, 4 * begin, std::min(4 * end, args.n));
  });
}

void drop_path(Context& context, const Dropout& args) {
  const Measured measured(context, [&] { return memory_work("drop path", args.samples * args.n, 2); });
  parallel_runs(args.samples, args.n, kMemoryGrain, [&](int64_t sample, int64_t begin, int64_t end) {
    const auto word = random_words(args.key, args.step, args.first_sample + static_cast<uint64_t>(sample), 0)[0];
    const bool kept = uniform_from(word) >= args.p;
    const float scale = 1 / (1 - args.p);
    const float* x = args.x + sample * args.n + begin;
    float* y = args.y.data + sample * args.n + begin;
    store_over(end - begin, y, args.y.accumulate, [=](int64_t i) { return kept ? x[i] * scale : 0; });
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
