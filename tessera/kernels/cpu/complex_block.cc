#include "tessera/kernels/complex_block.h"

#include <algorithm>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

int64_t rows_per_piece(int64_t row) { return std::max<int64_t>(kMemoryGrain / row, 1); }

}  // namespace

void complex_block_forward(Context& context, const ComplexBlockForward& args) {
  const int64_t O = args.shape.O, row = args.shape.C * args.shape.area;
  const Measured measured(context, [&] { return memory_work("complex block", O * row, 6); });
  parallel_for(O, rows_per_piece(4 * row), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const float *re = args.re + o * row, *im = args.im + o * row;
      float *upper = args.w + o * 2 * row, *lower = upper + O * 2 * row;
      std::copy_n(re, row, upper);
      std::transform(im, im + row, upper + row, [](float value) { return -value; });
      std::copy_n(im, row, lower);
      std::copy_n(re, row, lower + row);
    }
  });
}

void complex_block_backward(Context& context, const ComplexBlockBackward& args) {
  const int64_t O = args.shape.O, row = args.shape.C * args.shape.area;
  const Measured measured(context, [&] { return memory_work("complex block, backward", O * row, 6); });
  parallel_for(O, rows_per_piece(4 * row), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const float *upper = args.dw + o * 2 * row, *lower = upper + O * 2 * row;
      if (args.dre)
        store_over(row, args.dre.data + o * row, args.dre.accumulate,
                   [&](int64_t i) { return upper[i] + lower[row + i]; });
      if (args.dim)
        store_over(row, args.dim.data + o * row, args.dim.accumulate,
                   [&](int64_t i) { return lower[i] - upper[row + i]; });
    }
  });
}

}  // namespace tessera::kernels
