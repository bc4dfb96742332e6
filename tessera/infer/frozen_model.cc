#include "tessera/infer/frozen_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "tessera/core/error.h"

namespace tessera::infer {
namespace {

std::vector<std::string> numbered_classes(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back(fmt::format("class {}", i));
  return names;
}

}  // namespace

FrozenModel::FrozenModel(std::shared_ptr<models::Model> model, std::vector<std::string> class_names)
    : model_(std::move(model)), names_(std::move(class_names)) {
  if (names_.empty()) names_ = numbered_classes(num_classes());
  TESSERA_CHECK(static_cast<int64_t>(names_.size()) == num_classes(), "{} class names for a model of {} classes",
                names_.size(), num_classes());
}

FrozenModel FrozenModel::with_precision(ops::Precision precision) const {
  const ops::WithPrecision tried(precision);
  FrozenModel other = *this;
  other.precision_ = precision;
  return other;
}

Tensor FrozenModel::logits(const Tensor& input) const {
  const ops::WithPrecision precision(precision_);
  return model_.logits(input);
}

Classification FrozenModel::rank(std::span<const float> logits, int64_t top) const {
  TESSERA_CHECK(num_classes() > 0, "this model has no classes; ask for its logits, which are features");
  TESSERA_CHECK(static_cast<int64_t>(logits.size()) == num_classes(), "{} logits for {} classes", logits.size(),
                num_classes());
  TESSERA_CHECK(std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }),
                "the logits are not finite: the input or the weights hold NaN, infinity or very large numbers");
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest);

  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto count = static_cast<std::ptrdiff_t>(std::clamp<int64_t>(top, 0, num_classes()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  Classification result;
  result.logits.assign(logits.begin(), logits.end());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const size_t k = order[static_cast<size_t>(i)];
    result.top.push_back({static_cast<int64_t>(k), names_[k], std::exp(logits[k] - largest) / sum});
  }
  return result;
}

std::vector<Classification> FrozenModel::rank_all(const Tensor& logits, int64_t top) const {
  std::vector<Classification> results;
  const auto K = static_cast<size_t>(logits.size(1));
  for (size_t b = 0; b < static_cast<size_t>(logits.size(0)); ++b)
    results.push_back(rank(logits.span().subspan(b * K, K), top));
  return results;
}

}  // namespace tessera::infer
