#include "tessera/train/optimizer.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/kernels/optimizer.h"
#include "tessera/kernels/profile.h"
#include "tessera/train/optimizers/adam.h"
#include "tessera/train/optimizers/registry.h"

namespace tessera::train {

namespace {

constexpr int64_t kGrain = 16384;  // elements per piece at least

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)
      : Optimizer(std::move(groups)), options_(options), first_(Tensor::zeros({size})), second_(Tensor::zeros({size})) {
    if (options.amsgrad) largest_second_ = Tensor::zeros({size});
  }

  std::vector<std::pair<std::string, Tensor>> state() const override {
    std::vector<std::pair<std::string, Tensor>> state = {{"first_moment", first_}, {"second_moment", second_}};
    if (largest_second_) state.emplace_back("largest_second_moment", largest_second_);
    return state;
  }

 private:
  void update(float* values, const float* gradients, int64_t begin, int64_t end, const Group& group, double lr,
              double gradient_scale) override {
    kernels::AdamStep step = adam_arguments(options_, options_.kind == "adamw", group, lr, gradient_scale, steps_);
    step.parameter = values + begin;
    step.gradient = gradients + begin;
    step.first = first_.data() + begin;
    step.second = second_.data() + begin;
    step.largest_second = largest_second_ ? largest_second_.data() + begin : nullptr;
    step.n = end - begin;
    kernels::adam_step(kernels::cpu_context(), step);
  }

  OptimizerOptions options_;
  Tensor first_, second_, largest_second_;
};

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)
      : Optimizer(std::move(groups)), options_(options) {
    if (options.momentum != 0) buffer_ = Tensor::zeros({size});
  }

  std::vector<std::pair<std::string, Tensor>> state() const override {
    if (!buffer_) return {};
    return {{"momentum", buffer_}};
  }

 private:
  void update(float* values, const float* gradients, int64_t begin, int64_t end, const Group& group, double lr,
              double gradient_scale) override {
    kernels::sgd_step(kernels::cpu_context(), {.parameter = values + begin,
                                               .gradient = gradients + begin,
                                               .buffer = buffer_ ? buffer_.data() + begin : nullptr,
                                               .n = end - begin,
                                               .gradient_scale = static_cast<float>(gradient_scale),
                                               .l2 = static_cast<float>(group.weight_decay),
                                               .momentum = static_cast<float>(options_.momentum),
                                               .fresh = steps_ == 1 ? 1.0f : static_cast<float>(1 - options_.dampening),
                                               .nesterov = options_.nesterov,
                                               .lr = static_cast<float>(lr)});
  }

  OptimizerOptions options_;
  Tensor buffer_;
};

}  // namespace

void Optimizer::step(const Tensor& values, const Tensor& gradients, double lr, double gradient_scale, Ema* average) {
  ++steps_;
  const int64_t size = gradients.numel();
  prepare(values, gradients, gradient_scale);
  const kernels::Measured measured(kernels::cpu_context(),
                                   [&] { return kernels::memory_work("optimiser", size, average ? 9 : 7); });
  parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
    const auto ends_after = [](int64_t element, const Group& group) { return element < group.end; };
    for (auto group = std::upper_bound(groups_.begin(), groups_.end(), begin, ends_after); begin < end; ++group) {
      for (const int64_t stop = std::min(end, group->end); begin < stop;) {
        const int64_t next = std::min(begin + kGrain, stop);  // still in the cache when the average follows
        update(values.data(), gradients.data(), begin, next, *group, lr * group->lr_scale, gradient_scale);
        if (average) average->update(values.data(), begin, next, steps_);
        begin = next;
      }
    }
  });
  if (average) average->update(values.data(), size, values.numel(), steps_);  // statistics
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<Group> groups, int64_t size) {
  return optimizers().at(options.kind).make(options, std::move(groups), size);
}

const OptimizerRegistry& optimizers() {
  static const OptimizerRegistry registry = [] {
    OptimizerRegistry rules;
    rules.add("adamw", optimizer_kind<Adam>());
    rules.add("adam", optimizer_kind<Adam>());
    rules.add("sgd", optimizer_kind<Sgd>());
    register_all(rules);
    return rules;
  }();
  return registry;
}

}  // namespace tessera::train
