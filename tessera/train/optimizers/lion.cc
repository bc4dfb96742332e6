// Lion: half of Adam's state, and steps of one size.
#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/lion.h"
#include "tessera/train/optimizers/pieces.h"
#include "tessera/train/optimizers/registry.h"

namespace tessera::train {
namespace {

constexpr double kLeastShare = 1e-3;

class Lion final : public Optimizer {
 public:
  Lion(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)
      : Optimizer(std::move(groups)),
        options_(options),
        momentum_(Tensor::zeros({size})),
        pieces_(pieces_of(this->groups())) {}

  std::vector<std::pair<std::string, Tensor>> state() const override { return {{"momentum", momentum_}}; }

 private:
  kernels::LionStep arguments(float* values, const float* gradients, int64_t begin, int64_t end,
                              double gradient_scale) {
    return {.parameter = values + begin,
            .gradient = gradients + begin,
            .momentum = momentum_.data() + begin,
            .n = end - begin,
            .gradient_scale = static_cast<float>(gradient_scale),
            .fresh1 = static_cast<float>(1 - options_.beta1),
            .fresh2 = static_cast<float>(1 - options_.beta2),
            .rate = 0,
            .caution = options_.caution};
  }

  // With caution, the steps that are kept make up for those that are not.
  void prepare(const Tensor& values, const Tensor& gradients, double gradient_scale) override {
    boosts_.assign(groups().size(), 1);
    if (!options_.caution) return;
    std::vector<int64_t> counts(pieces_.size());
    parallel_for(std::ssize(pieces_), 1, [&](int64_t first, int64_t last) {
      for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
        const auto [group, begin, end] = pieces_[i];
        counts[i] = kernels::lion_agreements(kernels::cpu_context(),
                                             arguments(values.data(), gradients.data(), begin, end, gradient_scale));
      }
    });
    std::vector<int64_t> kept(groups().size());
    for (size_t i = 0; i < pieces_.size(); ++i) kept[pieces_[i].group] += counts[i];
    for (size_t g = 0; g < kept.size(); ++g)
      boosts_[g] = 1 / std::max(static_cast<double>(kept[g]) / static_cast<double>(groups()[g].size), kLeastShare);
  }

  void update(float* values, const float* gradients, int64_t begin, int64_t end, const Group& group, double lr,
              double gradient_scale) override {
    kernels::LionStep step = arguments(values, gradients, begin, end, gradient_scale);
    step.shrink = static_cast<float>(1 - lr * group.weight_decay);
    step.rate = static_cast<float>(lr * boosts_[static_cast<size_t>(&group - groups().data())]);
    kernels::lion_step(kernels::cpu_context(), step);
  }

  OptimizerOptions options_;
  Tensor momentum_;
  std::vector<Piece> pieces_;
  std::vector<double> boosts_;  // of each group
};

}  // namespace

void register_lion(OptimizerRegistry& registry) { registry.add("lion", optimizer_kind<Lion>(/*by_parameter=*/true)); }

}  // namespace tessera::train
