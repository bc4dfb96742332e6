#include "tessera/ops/precision.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tessera/kernels/linear_s8.h"
#include "tessera/kernels/matmul.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"

namespace tessera::ops {

namespace {

thread_local Precision current = Precision::f32;

// Seconds that a linear layer of a small Vision Transformer takes, the best of a few.
double time_of(Precision precision) {
  const NoGrad no_grad;
  const WithPrecision scope(precision);
  const Tensor x = Tensor::zeros({1024, 384}), w = Tensor::zeros({1536, 384});
  double best = 0;
  for (int i = 0; i < 6; ++i) {
    const auto start = std::chrono::steady_clock::now();
    linear(x, w, {});
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (i > 0) best = i == 1 ? seconds : std::min(best, seconds);  // the first makes the primitive
  }
  return best;
}

}  // namespace

WithPrecision::WithPrecision(Precision precision) : before_(std::exchange(current, precision)) {
  if (precision == Precision::f32 || kernels::has_bf16_products()) return;
  current = before_;
  fail("this machine has no products of bf16 (AVX512_BF16): use precision f32, or auto");
}
WithPrecision::~WithPrecision() { current = before_; }

Precision current_precision() { return current; }

Precision precision_named(const std::string& name) {
  if (name == "f32") return Precision::f32;
  if (name == "bf16") return Precision::bf16;
  if (name != "auto") fail_usage("unknown precision '{}': f32, bf16 or auto", name);
  constexpr double kGoodPart = 1.2;
  static const bool faster =
      kernels::has_bf16_products() && time_of(Precision::f32) > kGoodPart * time_of(Precision::bf16);
  return faster ? Precision::bf16 : Precision::f32;
}

const char* name_of(Precision precision) { return precision == Precision::bf16 ? "bf16" : "f32"; }

DType input_of_product(const Tensor& w) {
  if (tapping()) return DType::f32;
  if (w.is_quantised()) return kernels::has_s8_products() ? DType::s8 : DType::f32;
  return current == Precision::bf16 ? DType::bf16 : DType::f32;
}

kernels::Elements elements_of(const Tensor& x) {
  if (!x) return nullptr;
  if (x.dtype() == DType::bf16) return x.data<bf16>();
  return x.data();
}

}  // namespace tessera::ops
