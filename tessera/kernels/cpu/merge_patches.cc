#include "tessera/kernels/merge_patches.h"

#include <algorithm>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Calls body(token, merged) for the place of each token of the map in x, and of its C floats in y; `token` is -1 beyond
// the map. In parallel over rows of merged tokens.
template <class Args, class Body>
void for_tokens(const Args& a, const Body& body) {
  const int64_t gh = (a.H + 1) / 2, gw = (a.W + 1) / 2, strip_size = std::max<int64_t>(4 * gw * a.C, 1);
  parallel_for(a.B * gh, std::max<int64_t>(kMemoryGrain / strip_size, 1), [&](int64_t begin, int64_t end) {
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t b = strip / gh, top = strip % gh * 2;
      for (int64_t gx = 0; gx < gw; ++gx) {
        for (int64_t part = 0; part < 4; ++part) {
          const int64_t row = top + part % 2, column = 2 * gx + part / 2;
          const bool inside = row < a.H && column < a.W;
          body(inside ? ((b * a.H + row) * a.W + column) * a.C : -1, ((strip * gw + gx) * 4 + part) * a.C);
        }
      }
    }
  });
}

}  // namespace

void merge_patches_forward(Context& context, const MergePatchesForward& args) {
  const Measured measured(context, [&] { return memory_work("merge patches", args.B * args.H * args.W * args.C, 2); });
  for_tokens(args, [&](int64_t token, int64_t merged) {
    if (token < 0) {
      std::fill_n(args.y + merged, args.C, 0.0f);
    } else {
      std::copy_n(args.x + token, args.C, args.y + merged);
    }
  });
}

void merge_patches_backward(Context& context, const MergePatchesBackward& args) {
  const Measured measured(context,
                          [&] { return memory_work("merge patches, backward", args.B * args.H * args.W * args.C, 2); });
  for_tokens(args, [&](int64_t token, int64_t merged) {
    if (token < 0) return;
    const float* dy = args.dy + merged;
    store_over(args.C, args.dx.data + token, args.dx.accumulate, [&](int64_t c) { return dy[c]; });
  });
}

}  // namespace tessera::kernels
