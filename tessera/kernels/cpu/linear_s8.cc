#include "tessera/kernels/linear_s8.h"

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/floats.h"
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
#include "tessera/kernels/cpu/quantize-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Rows [begin, end) of y from sums (rows, N) and the rows' scales. scratch: N floats, where y is to be quantised.
template <class Function>
void FinishRowsWith(Function function, const LinearS8Forward& a, const int32_t* sums, const float* scale, int64_t begin,
                    int64_t end, float* scratch) {
  const F f;
  const hn::RebindToSigned<F> whole;
  for (int64_t r = begin; r < end; ++r) {
    const Vec row_scale = hn::Set(f, scale[r]);
    const float* row = reinterpret_cast<const float*>(sums + r * a.N);  // bits of int32
    const float* residual = a.residual ? a.residual + r * a.N : nullptr;
    StoreOver(a.N, a.y_q ? scratch : a.y + r * a.N, false, [&](auto load) {
      const Vec sum = hn::ConvertTo(f, hn::BitCast(whole, load(row)));
      const Vec factor = hn::Mul(row_scale, load(a.w_scale));
      const Vec y = function.Value(a.bias ? hn::MulAdd(sum, factor, load(a.bias)) : hn::Mul(sum, factor));
      return residual ? hn::Add(y, load(residual)) : y;
    });
    if (a.y_q) a.y_scale[r] = QuantizeRow(scratch, a.N, a.y_q + r * a.N);
  }
}

void FinishRows(const LinearS8Forward& a, const int32_t* sums, const float* scale, int64_t begin, int64_t end,
                float* scratch) {
  if (a.y_q && a.activation == Activation::gelu_erf)
    return FinishRowsWith(RoughGeluErf(), a, sums, scale, begin, end, scratch);
  With(a.activation, [&](auto function) { FinishRowsWith(function, a, sums, scale, begin, end, scratch); });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(FinishRows);

namespace {

// The sums of so many rows are finished while they are still in the caches.
int64_t rows_at_once(int64_t N) { return std::clamp<int64_t>((int64_t{1} << 18) / N, 32, 1024); }

// Rows [first, first + rows) of the arrays.
LinearS8Forward part_of(const LinearS8Forward& args, int64_t first, int64_t rows) {
  LinearS8Forward part = args;
  part.rows = rows;
  if (args.x) part.x += first * args.K;
  if (args.q) {
    part.q += first * args.K;
    part.q_scale += first;
  }
  if (args.residual) part.residual += first * args.N;
  if (args.y) part.y += first * args.N;
  if (args.y_q) {
    part.y_q += first * args.N;
    part.y_scale += first;
  }
  return part;
}

void in_whole_numbers(Context& context, const LinearS8Forward& args) {
  const int64_t blocks = (args.rows + rows_at_once(args.N) - 1) / rows_at_once(args.N);
  const int64_t most = (args.rows + blocks - 1) / blocks;
  const Scratch<int8_t> q(args.q ? 0 : most * args.K);
  const Scratch<int32_t> sums(most * args.N);
  const Floats scale(args.q ? 0 : most), scratch(args.y_q ? num_threads() * args.N : 0);
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t first = args.rows * block / blocks, rows = args.rows * (block + 1) / blocks - first;
    LinearS8Forward part = part_of(args, first, rows);
    if (!args.q) {
      quantize_rows(context, {.x = part.x, .q = q.data(), .scale = scale.data(), .rows = rows, .N = args.K});
      part.q = q.data();
      part.q_scale = scale.data();
    }
    matmul_s8(context,
              {.a = part.q, .b = args.w, .c = sums.data(), .M = rows, .N = args.N, .K = args.K, .frozen = args.frozen});
    const Measured measured(
        context, [&] { return memory_work("bias, activation, residual", rows * args.N, args.residual ? 3 : 2); });
    parallel_for_pieces(rows, 1 + 8192 / args.N, [&](int piece, int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(FinishRows)(part, sums.data(), part.q_scale, begin, end, scratch.data() + piece * args.N);
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
    TESSERA_CHECK(args.x && args.y, "this machine has no products of whole numbers");
    in_floats(context, args);
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
