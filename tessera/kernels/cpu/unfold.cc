#include "tessera/kernels/unfold.h"

#include <array>
#include <type_traits>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Calls body(pixels, columns) for every row of pixels of every patch in one row of patches: `pixels` is the offset of
// its (Pw, C) in the pictures, `columns` that of its (C, ·, Pw) in the patches, where channels lie Ph·Pw apart.
template <class Args, class Body>
void for_patch_rows(const Args& a, int64_t strip, const Body& body) {
  const int64_t gh = a.H / a.Ph, gw = a.W / a.Pw;
  const int64_t b = strip / gh, top = strip % gh * a.Ph;
  for (int64_t gx = 0; gx < gw; ++gx) {
    const int64_t patch = (strip * gw + gx) * a.C * a.Ph * a.Pw;
    for (int64_t py = 0; py < a.Ph; ++py) body(((b * a.H + top + py) * a.W + gx * a.Pw) * a.C, patch + py * a.Pw);
  }
}

// Calls loop(C) with the number of channels as a constant where it is common: these loops become vectors.
template <class Loop>
void with_channels(int64_t C, const Loop& loop) {
  if (C == 3) return loop(std::integral_constant<int64_t, 3>());
  if (C == 1) return loop(std::integral_constant<int64_t, 1>());
  loop(C);
}

template <class Args>
int64_t grain_of(const Args& a) {  // strips (rows of patches)
  return std::max<int64_t>(kMemoryGrain / std::max<int64_t>(a.Ph * a.W * a.C, 1), 1);
}

}  // namespace

void unfold_forward(Context& context, const UnfoldForward& args) {
  const Measured measured(context, [&] { return memory_work("unfold", args.B * args.H * args.W * args.C, 2); });
  const int64_t Pw = args.Pw, area = args.Ph * args.Pw;
  parallel_for(args.B * (args.H / args.Ph), grain_of(args), [&](int64_t begin, int64_t end) {
    with_channels(args.C, [&](auto C) {
      for (int64_t strip = begin; strip < end; ++strip) {
        for_patch_rows(args, strip, [&](int64_t pixels, int64_t columns) {
          const float* __restrict x = args.x + pixels;
          float* __restrict y = args.y + columns;
          for (int64_t px = 0; px < Pw; ++px)
            for (int64_t c = 0; c < C; ++c) y[c * area + px] = x[px * C + c];
        });
      }
    });
  });
}

void unfold_backward(Context& context, const UnfoldBackward& args) {
  const Measured measured(context,
                          [&] { return memory_work("unfold, backward", args.B * args.H * args.W * args.C, 2); });
  const int64_t Pw = args.Pw, area = args.Ph * args.Pw;
  const int64_t row = args.W * args.C, gh = args.H / args.Ph, used = args.W / args.Pw * args.Pw * args.C;
  if (!args.dx.accumulate) {  // what was cut off, right and below
    parallel_for(args.B * args.H, std::max<int64_t>(kMemoryGrain / std::max<int64_t>(row, 1), 1),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t r = begin; r < end; ++r) {
                     const bool below = r % args.H >= gh * args.Ph;
                     std::fill(args.dx.data + r * row + (below ? 0 : used), args.dx.data + (r + 1) * row, 0.0f);
                   }
                 });
  }
  parallel_for(args.B * gh, grain_of(args), [&](int64_t begin, int64_t end) {
    with_channels(args.C, [&](auto C) {
      for (int64_t strip = begin; strip < end; ++strip) {
        for_patch_rows(args, strip, [&](int64_t pixels, int64_t columns) {
          float* __restrict dx = args.dx.data + pixels;
          const float* __restrict dy = args.dy + columns;
          for (int64_t px = 0; px < Pw; ++px) {
            for (int64_t c = 0; c < C; ++c) {
              const float d = dy[c * area + px];
              dx[px * C + c] = args.dx.accumulate ? dx[px * C + c] + d : d;
            }
          }
        });
      }
    });
  });
}

}  // namespace tessera::kernels
