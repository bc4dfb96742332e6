// LAMB: Adam's steps, made as long as each parameter's weights ask for.
#include <algorithm>
#include <cmath>

#include "tessera/core/parallel.h"
#include "tessera/kernels/lamb.h"
#include "tessera/train/optimizers/pieces.h"
#include "tessera/train/optimizers/registry.h"

namespace tessera::train {
namespace {

class Lamb final : public Optimizer {
 public:
  Lamb(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)
      : Optimizer(std::move(groups)),
        options_(options),
        first_(Tensor::zeros({size})),
        second_(Tensor::zeros({size})),
        update_(Tensor::zeros({size})),
        pieces_(pieces_of(this->groups())) {}

  std::vector<std::pair<std::string, Tensor>> state() const override {
    return {{"first_moment", first_}, {"second_moment", second_}};
  }

 private:
  kernels::LambUpdate arguments(const float* values, const float* gradients, const Piece& piece,
                                double gradient_scale) {
    const auto [group, begin, end] = piece;
    const auto t = static_cast<double>(steps_);
    const bool corrects = options_.bias_correction;
    return {.parameter = values + begin,
            .gradient = gradients + begin,
            .first = first_.data() + begin,
            .second = second_.data() + begin,
            .update = update_.data() + begin,
            .n = end - begin,
            .gradient_scale = static_cast<float>(gradient_scale),
            .fresh1 = static_cast<float>(1 - options_.beta1),
            .beta2 = static_cast<float>(options_.beta2),
            .fresh2 = static_cast<float>(1 - options_.beta2),
            .correction = corrects ? static_cast<float>(1 / (1 - std::pow(options_.beta1, t))) : 1.0f,
            .rsqrt_correction = corrects ? static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t))) : 1.0f,
            .eps = static_cast<float>(options_.eps),
            .weight_decay = static_cast<float>(groups()[group].weight_decay)};
  }

  // Moments, updates, and how far each parameter may go.
  void prepare(const Tensor& values, const Tensor& gradients, double gradient_scale) override {
    std::vector<kernels::LambSquares> squares(pieces_.size()), sums(groups().size());
    parallel_for(std::ssize(pieces_), 1, [&](int64_t first, int64_t last) {
      for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
        squares[i] = kernels::lamb_update(kernels::cpu_context(),
                                          arguments(values.data(), gradients.data(), pieces_[i], gradient_scale));
      }
    });
    for (size_t i = 0; i < pieces_.size(); ++i) {
      sums[pieces_[i].group].parameter += squares[i].parameter;
      sums[pieces_[i].group].update += squares[i].update;
    }
    trusts_.clear();
    for (size_t g = 0; g < sums.size(); ++g) trusts_.push_back(trust_of(groups()[g], sums[g]));
  }

  double trust_of(const Group& group, const kernels::LambSquares& squares) const {
    if (group.weight_decay == 0 && !options_.always_adapt) return 1;
    if (squares.parameter == 0 || squares.update == 0) return 1;
    const double ratio = std::sqrt(squares.parameter) / std::sqrt(squares.update);
    return options_.trust_clip ? std::min(1.0, ratio) : ratio;
  }

  void update(float* values, const float*, int64_t begin, int64_t end, const Group& group, double lr, double) override {
    const double rate = lr * trusts_[static_cast<size_t>(&group - groups().data())];
    kernels::lamb_apply(kernels::cpu_context(), values + begin, update_.data() + begin, end - begin,
                        static_cast<float>(rate));
  }

  OptimizerOptions options_;
  Tensor first_, second_, update_;
  std::vector<Piece> pieces_;
  std::vector<double> trusts_;  // of each group
};

}  // namespace

void register_lamb(OptimizerRegistry& registry) { registry.add("lamb", optimizer_kind<Lamb>(/*by_parameter=*/true)); }

}  // namespace tessera::train
