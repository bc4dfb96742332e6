#include "tessera/kernels/complex_batch_norm.h"

#include <cmath>
#include <optional>
#include <vector>

#include "tessera/kernels/cpu/pixel_sums.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/profile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/complex_batch_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"
#include "tessera/kernels/cpu/complex-inl.h"
#include "tessera/kernels/cpu/pixel_sums-inl.h"

#ifndef TESSERA_KERNELS_CPU_COMPLEX_BATCH_NORM_ONCE
#define TESSERA_KERNELS_CPU_COMPLEX_BATCH_NORM_ONCE
namespace tessera::kernels {

// A matrix of each channel, row by row, and a vector: (C) each.
struct ChannelMatrix {
  const float *rr, *ri, *ir, *ii;
  const float *re, *im;
};

// What the last pass of backward needs of each channel: dz = M·δ + N·c + shift.
struct ChannelGradient {
  ChannelMatrix of_delta;    // M, and the shift
  ChannelMatrix of_centred;  // N, and μ
};

}  // namespace tessera::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// matrix·z + vector
template <class Load>
HWY_INLINE Complex Transformed(Load load, const ChannelMatrix& m, Complex z, Complex vector) {
  return {hn::MulAdd(load(m.rr), z.re, hn::MulAdd(load(m.ri), z.im, vector.re)),
          hn::MulAdd(load(m.ir), z.re, hn::MulAdd(load(m.ii), z.im, vector.im))};
}

template <class Load>
HWY_INLINE Complex VectorOf(Load load, const ChannelMatrix& m) {
  return {load(m.re), load(m.im)};
}

template <class Load>
HWY_INLINE Complex Minus(Load load, Complex z, const float* re, const float* im) {
  return {hn::Sub(z.re, load(re)), hn::Sub(z.im, load(im))};
}

// Σ d, Σ d·dᵀ (rr, ri, ii) with d = z - origin, where origin (2·C) is some pixel.
void SumProducts(const float* x, const float* origin, int64_t begin, int64_t end, int64_t C, double* sums) {
  SumPixels<5>(begin, end, C, C, sums, [&](auto load, int64_t pixel, Vec* some) {
    const Complex d = Minus(load, LoadComplex(load, x + pixel * 2 * C, C), origin, origin + C);
    some[0] = hn::Add(some[0], d.re);
    some[1] = hn::Add(some[1], d.im);
    some[2] = hn::MulAdd(d.re, d.re, some[2]);
    some[3] = hn::MulAdd(d.re, d.im, some[3]);
    some[4] = hn::MulAdd(d.im, d.im, some[4]);
  });
}

// A·z + shift + residual, before the activation.
template <class Args, class Load>
HWY_INLINE Complex Normed(const Args& a, const ChannelMatrix& affine, int64_t row, Load load) {
  const int64_t C = a.shape.C;
  const Complex y = Transformed(load, affine, LoadComplex(load, a.x + row, C), VectorOf(load, affine));
  if (!a.residual) return y;
  const Complex residual = LoadComplex(load, a.residual + row, C);
  return {hn::Add(y.re, residual.re), hn::Add(y.im, residual.im)};
}

void Forward(const ComplexBatchNormForward& a, const ChannelMatrix& affine, int64_t begin, int64_t end) {
  const int64_t C = a.shape.C;
  With(a.activation, [&](auto function) {
    for (int64_t row = begin * 2 * C; row < end * 2 * C; row += 2 * C) {
      OverChannels(C, [&](auto load, auto store) {
        const Complex y = Normed(a, affine, row, load);
        StoreComplex(store, {function.Value(y.re), function.Value(y.im)}, a.y + row, C);
      });
    }
  });
}

template <class Function, class Load>
HWY_INLINE Complex Delta(Function function, const ComplexBatchNormBackward& a, const ChannelMatrix& affine, int64_t row,
                         Load load) {
  const Complex y = Normed(a, affine, row, load), dy = LoadComplex(load, a.dy + row, a.shape.C);
  return {function.Gradient(dy.re, y.re), function.Gradient(dy.im, y.im)};
}

// Σ δ (re, im) and Σ δ·cᵀ (rr, ri, ir, ii).
void SumDeltas(const ComplexBatchNormBackward& a, const ChannelMatrix& affine, int64_t begin, int64_t end,
               double* sums) {
  const int64_t C = a.shape.C;
  With(a.activation, [&](auto function) {
    SumPixels<6>(begin, end, C, C, sums, [&](auto load, int64_t pixel, Vec* some) {
      const int64_t row = pixel * 2 * C;
      const Complex delta = Delta(function, a, affine, row, load);
      const Complex c = Minus(load, LoadComplex(load, a.x + row, C), a.mean[0], a.mean[1]);
      some[0] = hn::Add(some[0], delta.re);
      some[1] = hn::Add(some[1], delta.im);
      some[2] = hn::MulAdd(delta.re, c.re, some[2]);
      some[3] = hn::MulAdd(delta.re, c.im, some[3]);
      some[4] = hn::MulAdd(delta.im, c.re, some[4]);
      some[5] = hn::MulAdd(delta.im, c.im, some[5]);
    });
  });
}

void Backward(const ComplexBatchNormBackward& a, const ChannelMatrix& affine, const ChannelGradient& gradient,
              int64_t begin, int64_t end) {
  const int64_t C = a.shape.C;
  const ChannelMatrix &of_delta = gradient.of_delta, &of_centred = gradient.of_centred;
  With(a.activation, [&](auto function) {
    for (int64_t row = begin * 2 * C; row < end * 2 * C; row += 2 * C) {
      OverChannels(C, [&](auto load, auto store) {
        const Complex delta = Delta(function, a, affine, row, load);
        if (a.dx) {
          const Complex c = Minus(load, LoadComplex(load, a.x + row, C), of_centred.re, of_centred.im);
          const Complex from_c = Transformed(load, of_centred, c, VectorOf(load, of_delta));
          StoreComplex(store, Transformed(load, of_delta, delta, from_c), a.dx.data + row, C, a.dx.accumulate);
        }
        if (a.dresidual) StoreComplex(store, delta, a.dresidual.data + row, C, a.dresidual.accumulate);
      });
    }
  });
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(SumProducts);
HWY_EXPORT(Forward);
HWY_EXPORT(SumDeltas);
HWY_EXPORT(Backward);

namespace {

struct Matrix {
  double rr, ri, ir, ii;
  Matrix transposed() const { return {rr, ir, ri, ii}; }
  double trace() const { return rr + ii; }
  double determinant() const { return rr * ii - ri * ir; }
  Matrix adjugate() const { return {ii, -ri, -ir, rr}; }
};
Matrix operator*(const Matrix& a, const Matrix& b) {
  return {a.rr * b.rr + a.ri * b.ir, a.rr * b.ri + a.ri * b.ii, a.ir * b.rr + a.ii * b.ir, a.ir * b.ri + a.ii * b.ii};
}
Matrix operator+(const Matrix& a, const Matrix& b) { return {a.rr + b.rr, a.ri + b.ri, a.ir + b.ir, a.ii + b.ii}; }
Matrix operator*(double k, const Matrix& a) { return {k * a.rr, k * a.ri, k * a.ir, k * a.ii}; }

Matrix symmetric(const SymmetricChannels& channels, int64_t c) {
  return {channels[0][c], channels[1][c], channels[1][c], channels[2][c]};
}

// V^(1/2), of V with eps.
Matrix root(const SymmetricChannels& covariance, float eps, int64_t c) {
  const Matrix V = symmetric(covariance, c) + Matrix{eps, 0, 0, eps};
  // Rounded, a covariance of parts that depend on each other may be a little less than semidefinite.
  const double s = std::sqrt(std::max(V.determinant(), static_cast<double>(eps) * eps));
  return 1 / std::sqrt(V.trace() + 2 * s) * (V + Matrix{s, 0, 0, s});
}

Matrix inverse(const Matrix& a) { return 1 / a.determinant() * a.adjugate(); }

// X with S·X + X·S = M, for symmetric positive S: in the basis where S is diagonal, X_ij = M_ij / (S_i + S_j).
Matrix solve_lyapunov(const Matrix& S, const Matrix& M) {
  return 1 / (2 * S.trace() * S.determinant()) * (S.determinant() * M + S.adjugate() * M * S.adjugate());
}

// A matrix and a vector of each channel in one buffer.
class ChannelMatrices {
 public:
  explicit ChannelMatrices(int64_t C) : C_(C), values_(static_cast<size_t>(6 * C)) {}
  void set(int64_t c, const Matrix& m, double re, double im) {
    int64_t row = 0;
    for (const double value : {m.rr, m.ri, m.ir, m.ii, re, im})
      values_[static_cast<size_t>(row++ * C_ + c)] = static_cast<float>(value);
  }
  ChannelMatrix channels() const {
    const float* v = values_.data();
    return {v, v + C_, v + 2 * C_, v + 3 * C_, v + 4 * C_, v + 5 * C_};
  }

 private:
  int64_t C_;
  std::vector<float> values_;
};

template <class Args>
ChannelMatrices affine_of(const Args& a) {
  ChannelMatrices result(a.shape.C);
  for (int64_t c = 0; c < a.shape.C; ++c) {
    const ComplexAffine m = complex_affine(a.mean, a.covariance, a.gamma, a.beta, a.eps, c);
    result.set(c, {m.rr, m.ri, m.ir, m.ii}, m.shift_real, m.shift_imag);
  }
  return result;
}

using Deltas = PixelSums<6>;

Matrix delta_times_centred(const Deltas& sums, int64_t c) { return {sums(2, c), sums(3, c), sums(4, c), sums(5, c)}; }

// Γ is symmetric, so that its off-diagonal element stands in two places. Σ δ·nᵀ = Σ δ·cᵀ·W.
void store_gammas(const ComplexBatchNormBackward& a, const Deltas& sums) {
  for (int64_t c = 0; c < a.shape.C; ++c) {
    const Matrix d = delta_times_centred(sums, c) * inverse(root(a.covariance, a.eps, c));
    const double gradients[] = {d.rr, d.ri + d.ir, d.ii};
    for (size_t i = 0; i < 3; ++i)
      if (const Grad& grad = a.dgamma[i])
        grad.data[c] = static_cast<float>(gradients[i]) + (grad.accumulate ? grad.data[c] : 0.0f);
  }
}

// What the gradient of z is made of; sums: null with given statistics.
struct GradientTerms {
  ChannelMatrices of_delta, of_centred;

  GradientTerms(const ComplexBatchNormBackward& a, const Deltas* sums) : of_delta(a.shape.C), of_centred(a.shape.C) {
    const double P = static_cast<double>(a.shape.P);
    for (int64_t c = 0; c < a.shape.C; ++c) {
      const Matrix S = root(a.covariance, a.eps, c), W = inverse(S), gamma = symmetric(a.gamma, c), M = W * gamma;
      Matrix N = {0, 0, 0, 0};
      double mean_re = 0, mean_im = 0;
      if (sums) {
        mean_re = (*sums)(0, c) / P, mean_im = (*sums)(1, c) / P;
        const Matrix G = 1 / P * (gamma * delta_times_centred(*sums, c));
        N = -2 * (W * solve_lyapunov(S, 0.5 * (G + G.transposed())) * W);
      }
      of_delta.set(c, M, -(M.rr * mean_re + M.ri * mean_im), -(M.ir * mean_re + M.ii * mean_im));
      of_centred.set(c, N, a.mean[0][c], a.mean[1][c]);
    }
  }
};

}  // namespace

ComplexAffine complex_affine(const ComplexChannels& mean, const SymmetricChannels& covariance,
                             const SymmetricChannels& gamma, const ComplexChannels& beta, float eps, int64_t c) {
  const Matrix A = symmetric(gamma, c) * inverse(root(covariance, eps, c));
  const double re = mean[0][c], im = mean[1][c];
  return {A.rr, A.ri, A.ir, A.ii, beta[0][c] - (A.rr * re + A.ri * im), beta[1][c] - (A.ir * re + A.ii * im)};
}

// About the first pixel, so that squares lose no digits where the mean is far from zero.
void complex_batch_statistics(Context& context, const ComplexBatchStatistics& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("complex batch norm, statistics", 2 * P * C, 1); });
  const PixelSums<5> sums(P, C, [&](int64_t begin, int64_t end, double* some) {
    HWY_DYNAMIC_DISPATCH(SumProducts)(args.x, args.x, begin, end, C, some);
  });
  for (int64_t c = 0; c < C; ++c) {
    const auto mean = [&](int which) { return sums(which, c) / static_cast<double>(P); };
    const double re = mean(0), im = mean(1);
    args.mean[0][c] = static_cast<float>(args.x[c] + re);
    args.mean[1][c] = static_cast<float>(args.x[C + c] + im);
    args.covariance[0][c] = static_cast<float>(std::max(mean(2) - re * re, 0.0));
    args.covariance[1][c] = static_cast<float>(mean(3) - re * im);
    args.covariance[2][c] = static_cast<float>(std::max(mean(4) - im * im, 0.0));
  }
}

void complex_batch_norm_forward(Context& context, const ComplexBatchNormForward& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("complex batch norm", 2 * P * C, args.residual ? 3 : 2); });
  const ChannelMatrices affine = affine_of(args);
  parallel_for(P, pixel_grain(2 * C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Forward)(args, affine.channels(), begin, end);
  });
}

void complex_batch_norm_backward(Context& context, const ComplexBatchNormBackward& args) {
  const int64_t P = args.shape.P, C = args.shape.C;
  const Measured measured(context, [&] { return memory_work("complex batch norm, backward", 2 * P * C, 5); });
  const ChannelMatrices affine = affine_of(args);
  std::optional<Deltas> sums;
  const bool weights = args.dgamma[0] || args.dgamma[1] || args.dgamma[2] || args.dbeta[0] || args.dbeta[1];
  if (weights || (args.dx && args.own_statistics)) {
    sums.emplace(P, C, [&](int64_t begin, int64_t end, double* some) {
      HWY_DYNAMIC_DISPATCH(SumDeltas)(args, affine.channels(), begin, end, some);
    });
    sums->store(0, args.dbeta[0]), sums->store(1, args.dbeta[1]);
    store_gammas(args, *sums);
  }
  if (!args.dx && !args.dresidual) return;
  const GradientTerms terms(args, args.own_statistics && sums ? &*sums : nullptr);
  parallel_for(P, pixel_grain(2 * C), [&](int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(Backward)
    (args, affine.channels(), {terms.of_delta.channels(), terms.of_centred.channels()}, begin, end);
  });
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
