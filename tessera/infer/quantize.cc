#include "tessera/infer/quantize.h"

#include <algorithm>
#include <cmath>

#include "tessera/kernels/quantize.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::infer {

Tensor quantised(const Tensor& w) {
  const int64_t N = w.size(0);
  const Tensor q = Tensor::empty(w.shape(), DType::s8), scales = Tensor::empty({N});
  kernels::quantize_rows(kernels::cpu_context(),
                         {.x = w.data(), .q = q.data<int8_t>(), .scale = scales.data(), .rows = N, .N = w.numel() / N});
  return Tensor::quantised(q, scales);
}

Tensor& parameter(models::Model& model, const std::string& name) {
  for (const nn::Parameter& parameter : model.parameters())
    if (parameter.name == name) return *parameter.tensor;
  fail("the model has no parameter '{}'", name);
}

void quantise(models::Model& model, const std::vector<models::Product>& products) {
  for (const models::Product& product : products) {
    Tensor& w = parameter(model, product.weight);
    if (!w.is_quantised()) w = quantised(w);
  }
}

void observe(models::Model& model, const Tensor& images, InputRanges& ranges) {
  const ops::NoGrad no_grad;
  const ops::TrainingState evaluation(std::nullopt);
  const ops::Taps taps([](const std::string& name) { return name.ends_with(".input"); });
  model.forward(images);
  for (const models::Product& product : model.products()) {
    if (product.norm.empty()) continue;
    const Tensor& x = taps.at(product.layer() + ".input");  // (…, K)
    const auto K = static_cast<size_t>(x.size(-1));
    std::vector<float>& range = ranges[product.weight];
    range.resize(K);
    for (size_t i = 0; i < static_cast<size_t>(x.numel()); ++i)
      range[i % K] = std::max(range[i % K], std::abs(x.data()[i]));
  }
}

void smooth(models::Model& model, const InputRanges& ranges) {
  for (const models::Product& product : model.products()) {
    if (product.norm.empty()) continue;
    Tensor& w = parameter(model, product.weight);  // (N, K)
    Tensor& gamma = parameter(model, product.norm + ".weight");
    Tensor& beta = parameter(model, product.norm + ".bias");
    const std::vector<float>& range = ranges.at(product.weight);
    const int64_t N = w.size(0), K = w.size(1);
    for (int64_t j = 0; j < K; ++j) {
      float most = 0;
      for (int64_t n = 0; n < N; ++n) most = std::max(most, std::abs(w.data()[n * K + j]));
      const float s = std::sqrt(range[static_cast<size_t>(j)] / most);
      if (!std::isfinite(s) || s == 0) continue;  // a channel that is always 0, or weights that are
      for (int64_t n = 0; n < N; ++n) w.data()[n * K + j] *= s;
      gamma.data()[j] /= s;
      beta.data()[j] /= s;
    }
  }
}

}  // namespace tessera::infer
