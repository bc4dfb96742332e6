#include "tessera/train/flat_parameters.h"

#include <algorithm>
#include <memory>

namespace tessera::train {

namespace {

constexpr int64_t kAlignment = 16;  // elements: 64 bytes

using Slices = std::vector<FlatParameters::Slice>;

// One slice behind the other, from element `begin` on; returns where they end.
int64_t lay_out(const std::vector<nn::Parameter>& tensors, int64_t begin, Slices& slices) {
  for (const nn::Parameter& parameter : tensors) {
    const int64_t size = parameter.tensor->numel();
    slices.push_back({parameter.name, parameter.tensor->shape(), begin, size, nullptr});
    begin += (size + kAlignment - 1) / kAlignment * kAlignment;
  }
  return begin;
}

// The tensors become views of the buffer, with the elements that they have.
void move_in(const std::vector<nn::Parameter>& tensors, const Slices& slices, const Tensor& buffer) {
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor value = FlatParameters::view(buffer, slices[i]);
    std::copy_n(tensors[i].tensor->data(), slices[i].size, value.data());
    *tensors[i].tensor = value;
  }
}

}  // namespace

FlatParameters::FlatParameters(nn::Module& module, const std::function<bool(const std::string&)>& trainable) {
  std::vector<nn::Parameter> chosen;
  for (const nn::Parameter& parameter : module.parameters()) {
    if (trainable(parameter.name)) {
      chosen.push_back(parameter);
    } else {
      parameter.tensor->set_requires_grad(false);
    }
  }
  const std::vector<nn::Parameter> statistics = module.statistics();
  const int64_t size = lay_out(chosen, 0, slices_);
  TESSERA_CHECK(size > 0, "training: every parameter of the model is frozen, so there is nothing to train");
  values_ = Tensor::zeros(Shape({lay_out(statistics, size, statistics_)}));
  gradients_ = Tensor::zeros(Shape({size}));
  move_in(chosen, slices_, values_);
  move_in(statistics, statistics_, values_);
  for (size_t i = 0; i < chosen.size(); ++i) {
    slices_[i].gradient = chosen[i].tensor->set_requires_grad().gradient();
    slices_[i].gradient->value = std::make_shared<Tensor>(view(gradients_, slices_[i]));
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
