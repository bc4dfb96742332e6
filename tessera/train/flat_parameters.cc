#include "tessera/train/flat_parameters.h"

#include <algorithm>
#include <memory>

namespace tessera::train {

namespace {
constexpr int64_t kAlignment = 16;  // elements: 64 bytes
}

FlatParameters::FlatParameters(nn::Module& module, const std::function<bool(const std::string&)>& trainable) {
  std::vector<nn::Parameter> chosen;
  int64_t end = 0;
  for (const nn::Parameter& parameter : module.parameters()) {
    if (!trainable(parameter.name)) {
      parameter.tensor->set_requires_grad(false);
      continue;
    }
    const int64_t size = parameter.tensor->numel();
    slices_.push_back({parameter.name, parameter.tensor->shape(), end, size, nullptr});
    chosen.push_back(parameter);
    end += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  TESSERA_CHECK(end > 0, "training: every parameter of the model is frozen, so there is nothing to train");
  values_ = Tensor::zeros(Shape({end}));
  gradients_ = Tensor::zeros(Shape({end}));
  for (size_t i = 0; i < chosen.size(); ++i) {
    Slice& slice = slices_[i];
    Tensor value = view(values_, slice);
    std::copy_n(chosen[i].tensor->data(), slice.size, value.data());
    value.set_requires_grad();
    slice.gradient = value.gradient();
    slice.gradient->value = std::make_shared<Tensor>(view(gradients_, slice));
    *chosen[i].tensor = value;
  }
}

Tensor FlatParameters::view(const Tensor& flat, const Slice& slice) {
  return flat.rows(slice.begin, slice.size).reshape(slice.shape);
}

void FlatParameters::zero_grad() {
  for (const Slice& slice : slices_) slice.gradient->written = false;
}

const Tensor& FlatParameters::gradients() {
  for (const Slice& slice : slices_)
    if (!slice.gradient->written) std::fill_n(gradients_.data() + slice.begin, slice.size, 0.0f);
  return gradients_;
}

}  // namespace tessera::train
