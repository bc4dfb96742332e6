#include "tessera/kernels/linear_s8.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/linear.h"
#include "tessera/kernels/matmul.h"
#include "tessera/kernels/profile.h"
#include "tessera/kernels/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/linear_s8.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Rows [begin, end) of y from sums (rows, N) and the rows' scales.
void FinishRows(const LinearS8Forward& a, const int32_t* sums, const float* scale, int64_t begin, int64_t end) {
  const F f;
  const hn::RebindToSigned<F> whole;
  With(a.activation, [&](auto function) {
    for (int64_t r = begin; r < end; ++r) {
      const Vec row_scale = hn::Set(f, scale[r]);
      const float* row = reinterpret_cast<const float*>(sums + r * a.N);  // bits of int32
      const float* residual = a.residual ? a.residual + r * a.N : nullptr;
      StoreOver(a.N, a.y + r * a.N, false, [&](auto load) {
        const Vec sum = hn::ConvertTo(f, hn::BitCast(whole, load(row)));
        const Vec factor = hn::Mul(row_scale, load(a.w_scale));
        const Vec y = function.Value(a.bias ? hn::MulAdd(sum, factor, load(a.bias)) : hn::Mul(sum, factor));
        return residual ? hn::Add(y, load(residual)) : y;
      });
    }
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(FinishRows);

namespace {

// The sums of so many rows are finished while they are still in the caches.
int64_t rows_at_once(int64_t N) { return std::clamp<int64_t>((int64_t{1} << 18) / N, 32, 1024); }

void in_whole_numbers(Context& context, const LinearS8Forward& args) {
  const int64_t blocks = (args.rows + rows_at_once(args.N) - 1) / rows_at_once(args.N);
  const int64_t most = (args.rows + blocks - 1) / blocks;
  const auto q = allocate(static_cast<size_t>(most * args.K));
  const auto scale = allocate(static_cast<size_t>(most) * sizeof(float));
  const auto sums = allocate(static_cast<size_t>(most * args.N) * sizeof(int32_t));
  auto* const q_data = reinterpret_cast<int8_t*>(q.get());
  auto* const scale_data = reinterpret_cast<float*>(scale.get());
  auto* const sums_data = reinterpret_cast<int32_t*>(sums.get());
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = args.rows * block / blocks, rows = args.rows * (block + 1) / blocks - first;
    LinearS8Forward part = args;
    part.y = args.y + first * args.N;
    if (args.residual) part.residual = args.residual + first * args.N;
    quantize_rows(context, {.x = args.x + first * args.K, .q = q_data, .scale = scale_data, .rows = rows, .N = args.K});
    matmul_s8(context,
              {.a = q_data, .b = args.w, .c = sums_data, .M = rows, .N = args.N, .K = args.K, .frozen = args.frozen});
    const Measured measured(
        context, [&] { return memory_work("bias, activation, residual", rows * args.N, args.residual ? 3 : 2); });
    parallel_for(rows, 1 + 8192 / args.N, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(FinishRows)(part, sums_data, scale_data, begin, end);
    });
  }
}

void in_floats(Context& context, const LinearS8Forward& args) {
  constexpr int64_t kFloats = -1;  // a layout that no product asks for
  std::shared_ptr<std::byte> holder;
  const auto floats = [&] {
    auto w = allocate(static_cast<size_t>(args.N * args.K) * sizeof(float));
    dequantize_rows(
        context,
        {.q = args.w, .scale = args.w_scale, .x = reinterpret_cast<float*>(w.get()), .rows = args.N, .N = args.K});
    return w;
  };
  const std::span bytes(reinterpret_cast<const std::byte*>(args.w), static_cast<size_t>(args.N * args.K));
  const std::byte* w = args.frozen ? args.frozen->copy(bytes, kFloats, floats) : nullptr;
  if (!w) w = (holder = floats()).get();
  linear_forward(context, {.x = args.x,
                           .w = reinterpret_cast<const float*>(w),
                           .bias = args.bias,
                           .residual = args.residual,
                           .pre = nullptr,
                           .y = args.y,
                           .rows = args.rows,
                           .N = args.N,
                           .K = args.K,
                           .activation = args.activation});
}

}  // namespace

void linear_s8_forward(Context& context, const LinearS8Forward& args) {
  if (has_matmul_s8()) {
    in_whole_numbers(context, args);
  } else {
    in_floats(context, args);
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
