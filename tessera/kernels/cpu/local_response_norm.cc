#include "tessera/kernels/local_response_norm.h"

#include <algorithm>

#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/local_response_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.
#include <hwy/contrib/math/math-inl.h>

#include "tessera/kernels/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// Of x > 0; NaN stays NaN, which Highway's logarithm makes a number of.
HWY_INLINE Vec Power(Vec x, float exponent) {
  const F f;
  return hn::IfThenElse(hn::IsNaN(x), x, Exp(hn::Mul(hn::Set(f, exponent), hn::Log(f, x))));
}

// Σ of the n numbers that begin where `load` is.
template <class Load>
HWY_INLINE Vec WindowSum(Load load, const float* padded, int64_t n) {
  Vec sum = load(padded);
  for (int64_t i = 1; i < n; ++i) sum = hn::Add(sum, load(padded + i));
  return sum;
}

// A row (C) between zeros, so that every window lies within.
struct PaddedRow {
  float *begin, *row;
  PaddedRow(float* memory, int64_t C, int64_t before, int64_t after) : begin(memory), row(memory + before) {
    std::fill(begin, row, 0.0f);
    std::fill(row + C, row + C + after, 0.0f);
  }
};

// Calls out(s), where s(load) is what x is divided by, before its power. squares: overwritten.
template <class Out>
HWY_INLINE void ForEachScale(const LocalResponse& norm, int64_t C, const float* x, const PaddedRow& squares,
                             const Out& out) {
  const F f;
  StoreOver(C, squares.row, false, [&](auto load) { return hn::Mul(load(x), load(x)); });
  const Vec share = hn::Set(f, norm.alpha / static_cast<float>(norm.size)), k = hn::Set(f, norm.k);
  out([=, n = norm.size, begin = squares.begin](auto load) { return hn::MulAdd(WindowSum(load, begin, n), share, k); });
}

void ForwardRows(const LocalResponseNormForward& a, int64_t begin, int64_t end, float* scratch) {
  const int64_t before = a.norm.size / 2, after = a.norm.size - 1 - before;
  const PaddedRow squares(scratch, a.C, before, after);
  for (int64_t p = begin; p < end; ++p) {
    const float* x = a.x + p * a.C;
    ForEachScale(a.norm, a.C, x, squares, [&](auto scale) {
      StoreOver(a.C, a.y + p * a.C, false,
                [&](auto load) { return hn::Mul(load(x), Power(scale(load), -a.norm.beta)); });
    });
  }
}

void BackwardRows(const LocalResponseNormBackward& a, int64_t begin, int64_t end, float* scratch) {
  const F f;
  const int64_t before = a.norm.size / 2, after = a.norm.size - 1 - before, padded = a.C + a.norm.size - 1;
  const PaddedRow squares(scratch, a.C, before, after);
  const PaddedRow terms(scratch + padded, a.C, after, before);  // the windows that hold i are mirrored
  float* powers = scratch + 2 * padded;                         // (C): s^-β
  const Vec factor = hn::Set(f, -2 * a.norm.alpha * a.norm.beta / static_cast<float>(a.norm.size));
  for (int64_t p = begin; p < end; ++p) {
    const float *x = a.x + p * a.C, *dy = a.dy + p * a.C;
    ForEachScale(a.norm, a.C, x, squares, [&](auto scale) {
      StoreOver(a.C, powers, false, [&](auto load) { return Power(scale(load), -a.norm.beta); });
      StoreOver(a.C, terms.row, false,
                [&](auto load) { return hn::Div(hn::Mul(hn::Mul(load(dy), load(x)), load(powers)), scale(load)); });
    });
    StoreOver(a.C, a.dx.data + p * a.C, a.dx.accumulate, [&](auto load) {
      const Vec others = hn::Mul(hn::Mul(factor, load(x)), WindowSum(load, terms.begin, a.norm.size));
      return hn::MulAdd(load(dy), load(powers), others);
    });
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(ForwardRows);
HWY_EXPORT(BackwardRows);

namespace {
int64_t grain(int64_t C) { return std::max<int64_t>(kMemoryGrain / 8 / C, 1); }  // pixels per piece at least
}  // namespace

void local_response_norm_forward(Context& context, const LocalResponseNormForward& args) {
  const Measured measured(context, [&] { return memory_work("local response norm", args.P * args.C, 2); });
  const int64_t each = args.C + args.norm.size - 1;
  const Floats scratch(num_threads() * each);
  parallel_for_pieces(args.P, grain(args.C), [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(ForwardRows)(args, begin, end, scratch.data() + piece * each);
  });
}

void local_response_norm_backward(Context& context, const LocalResponseNormBackward& args) {
  const Measured measured(context, [&] { return memory_work("local response norm, backward", args.P * args.C, 3); });
  const int64_t each = 3 * args.C + 2 * (args.norm.size - 1);
  const Floats scratch(num_threads() * each);
  parallel_for_pieces(args.P, grain(args.C), [&](int piece, int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(BackwardRows)(args, begin, end, scratch.data() + piece * each);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
