// Complex batch normalisation: Trabelsi et al., "Deep Complex Networks" (2018), section 3.5. The root of the covariance
// matrix comes from its eigenvectors.
#pragma once

#include "tests/ref/complex.h"

namespace tessera::test {

template <class T>
struct SymmetricOf {
  T rr, ri, ii;
};

// V^(-1/2) = Σ λ^(-1/2)·v·vᵀ, the eigenvector of the larger λ at the angle ½·atan2(2·Vri, Vrr - Vii).
template <class T>
SymmetricOf<T> inverse_root(const SymmetricOf<T>& V) {
  const T angle = T(0.5) * atan2(T(2) * V.ri, V.rr - V.ii), c = cos(angle), s = sin(angle);
  const T large = c * c * V.rr + T(2) * c * s * V.ri + s * s * V.ii, small = V.rr + V.ii - large;
  const T a = T(1) / sqrt(large), b = T(1) / sqrt(small);
  return {a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c};
}

// x (P, 2·C), gamma (3, C), beta (2, C); mean (2, C), covariance (3, C), or null for those of x; residual as x, or null
template <class T>
Array<T> ref_complex_batch_norm(const Array<T>& x, const Array<T>& gamma, const Array<T>& beta, const Array<T>* mean,
                                const Array<T>* covariance, const Array<T>* residual, double eps,
                                kernels::Activation activation) {
  const int64_t P = x.size(0), C = x.size(1) / 2;
  const T n = T(static_cast<double>(P));
  Array<T> y(x.shape);
  for (int64_t c = 0; c < C; ++c) {
    ComplexOf<T> m;
    SymmetricOf<T> V = {T(0), T(0), T(0)};
    for (int64_t p = 0; p < P; ++p) m.re += number(x, p, c).re / n, m.im += number(x, p, c).im / n;
    if (mean) m = {(*mean)(0, c), (*mean)(1, c)};
    for (int64_t p = 0; p < P; ++p) {
      const T re = number(x, p, c).re - m.re, im = number(x, p, c).im - m.im;
      V.rr += re * re / n, V.ri += re * im / n, V.ii += im * im / n;
    }
    if (covariance) V = {(*covariance)(0, c), (*covariance)(1, c), (*covariance)(2, c)};
    V.rr += T(eps), V.ii += T(eps);
    const SymmetricOf<T> W = inverse_root(V);
    for (int64_t p = 0; p < P; ++p) {
      const T re = number(x, p, c).re - m.re, im = number(x, p, c).im - m.im;
      const T white_re = W.rr * re + W.ri * im, white_im = W.ri * re + W.ii * im;
      ComplexOf<T> normed = {gamma(0, c) * white_re + gamma(1, c) * white_im + beta(0, c),
                             gamma(1, c) * white_re + gamma(2, c) * white_im + beta(1, c)};
      if (residual) normed = normed + number(*residual, p, c);
      set_number(y, p, c, {ref_activate(normed.re, activation), ref_activate(normed.im, activation)});
    }
  }
  return y;
}

}  // namespace tessera::test
