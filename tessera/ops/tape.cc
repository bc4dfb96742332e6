#include "tessera/ops/tape.h"

#include <utility>
#include <vector>

#include "tessera/kernels/add.h"
#include "tessera/ops/training.h"

namespace tessera::ops {

namespace {

struct Node {
  std::shared_ptr<Gradient> output;
  Shape shape;
  std::function<void(const Tensor&)> backward;
};

struct Tape {
  std::vector<Node> nodes;
  bool enabled = true;
};
thread_local Tape tape;

// A tape of its own for the second pass of checkpoint(); the outer one comes back at the end of the scope.
class FreshTape {
 public:
  FreshTape() : outer_(std::exchange(tape, {})) {}
  ~FreshTape() { tape = std::move(outer_); }
  FreshTape(const FreshTape&) = delete;
  FreshTape& operator=(const FreshTape&) = delete;

 private:
  Tape outer_;
};

}  // namespace

NoGrad::NoGrad() : before_(std::exchange(tape.enabled, false)) {}
NoGrad::~NoGrad() { tape.enabled = before_; }

bool recording(std::initializer_list<Tensor> inputs) {
  if (!tape.enabled) return false;
  for (const Tensor& input : inputs) {
    if (input.requires_grad()) return true;
  }
  return false;
}

kernels::Grad GradientOf::target() const {
  if (!gradient_) return {};
  if (!gradient_->value) gradient_->value = std::make_shared<Tensor>(Tensor::empty(shape_));
  return {gradient_->value->data(), std::exchange(gradient_->written, true)};
}

void GradientOf::add(const Tensor& dx) const {
  if (!gradient_) return;
  if (!gradient_->value) {
    gradient_->value = std::make_shared<Tensor>(dx.detach());
    gradient_->written = true;
    return;
  }
  kernels::accumulate(kernels::cpu_context(), {.x = dx.data(), .y = target(), .n = dx.numel()});
}

void record(Tensor& y, std::function<void(const Tensor&)> backward) {
  y.set_requires_grad();
  tape.nodes.push_back({y.gradient(), y.shape(), std::move(backward)});
}

namespace {

// Takes dy over: its elements may be changed.
void walk_back(const Tensor& y, const Tensor& dy) {
  GradientOf(y).add(dy);
  while (!tape.nodes.empty()) {
    const Node node = std::move(tape.nodes.back());
    tape.nodes.pop_back();
    if (!node.output->written) continue;
    // Taken out of its place, so that dy is freed as soon as the operation has used it.
    const Tensor dnode = node.output->value->reshape(node.shape);
    *node.output = {};
    node.backward(dnode);
  }
}

}  // namespace

void backward(const Tensor& y, const Tensor& dy) {
  TESSERA_CHECK(y.requires_grad(), "backward: nothing that led to this {} tensor takes part in differentiation",
                to_string(y.shape()));
  TESSERA_CHECK(dy.numel() == y.numel(), "backward: dy is {}, but y is {}", to_string(dy.shape()),
                to_string(y.shape()));
  walk_back(y, dy.clone());
}

void backward(const Tensor& loss) { backward(loss, Tensor::full(loss.shape(), 1.0f)); }

void zero_grad(const Tensor& parameter) {
  if (parameter.gradient()) parameter.gradient()->written = false;
}

Tensor checkpoint(const std::function<Tensor(const Tensor&)>& f, const Tensor& x) {
  if (!tape.enabled) return f(x);
  Tensor y;
  {
    const NoGrad no_grad;
    y = f(x).detach();
  }
  record(y, [f, x, draws = current_training()](const Tensor& dy) {
    std::optional<Draws> again_draws = draws;
    if (again_draws) again_draws->repeated = true;
    const TrainingState state(again_draws);
    const FreshTape fresh;
    const Tensor again = f(x);
    if (again.requires_grad()) walk_back(again, dy);
  });
  return y;
}

}  // namespace tessera::ops
