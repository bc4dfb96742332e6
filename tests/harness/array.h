// What the scalar references of operations compute with: arrays of double, and of dual numbers for exact derivatives.
#pragma once

#include <cmath>
#include <vector>

#include "tessera/core/shape.h"

namespace tessera::test {

// value + derivative·ε with ε² = 0: running a reference on these gives its directional derivative (forward mode).
struct Dual {
  double value = 0, derivative = 0;
  Dual() = default;
  Dual(double v) : value(v) {}  // NOLINT: constants take part in formulas
  Dual(double v, double d) : value(v), derivative(d) {}
  Dual& operator+=(Dual b) { return *this = {value + b.value, derivative + b.derivative}; }
};
inline Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.derivative + b.derivative}; }
inline Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.derivative - b.derivative}; }
inline Dual operator-(Dual a) { return {-a.value, -a.derivative}; }
inline Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.derivative * b.value + a.value * b.derivative}; }
inline Dual operator/(Dual a, Dual b) {
  const double q = a.value / b.value;
  return {q, (a.derivative - q * b.derivative) / b.value};
}
inline bool operator<(Dual a, Dual b) { return a.value < b.value; }
inline bool operator>(Dual a, Dual b) { return a.value > b.value; }
inline Dual exp(Dual a) { return {std::exp(a.value), a.derivative * std::exp(a.value)}; }
inline Dual log(Dual a) { return {std::log(a.value), a.derivative / a.value}; }
inline Dual sqrt(Dual a) { return {std::sqrt(a.value), a.derivative / (2 * std::sqrt(a.value))}; }
inline Dual tanh(Dual a) {
  const double t = std::tanh(a.value);
  return {t, a.derivative * (1 - t * t)};
}
inline Dual erf(Dual a) {
  return {std::erf(a.value), a.derivative * 2 / std::sqrt(M_PI) * std::exp(-a.value * a.value)};
}
// References call these unqualified, for double and Dual alike.
using std::erf;
using std::exp;
using std::log;
using std::sqrt;
using std::tanh;

template <class T>
struct Array {
  Shape shape;
  std::vector<T> data;

  Array() = default;
  explicit Array(Shape s, T fill = T(0)) : shape(std::move(s)), data(static_cast<size_t>(shape.numel()), fill) {}
  int64_t size(int axis) const { return shape[axis]; }
  T& operator[](int64_t i) { return data[static_cast<size_t>(i)]; }
  const T& operator[](int64_t i) const { return data[static_cast<size_t>(i)]; }
  // The element at the indices of all axes.
  template <class... Index>
  T& operator()(Index... index) {
    return data[flat(index...)];
  }
  template <class... Index>
  const T& operator()(Index... index) const {
    return data[flat(index...)];
  }

 private:
  template <class... Index>
  size_t flat(Index... index) const {
    int64_t position = 0;
    int axis = 0;
    ((position = position * shape[axis++] + static_cast<int64_t>(index)), ...);
    return static_cast<size_t>(position);
  }
};

}  // namespace tessera::test
