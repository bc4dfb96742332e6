// Update rules on flat buffers: AdamW, Adam, SGD here, others in optimizers/.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/tensor.h"
#include "tessera/train/ema.h"
#include "tessera/train/groups.h"

namespace tessera::train {

struct OptimizerOptions {
  std::string kind = "adamw";  // of optimizers/registry.h
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  bool amsgrad = false;  // adam and adamw
  double momentum = 0.9, dampening = 0;
  bool nesterov = false;
  bool caution = false;                           // lion: leave out steps against the gradient
  bool bias_correction = true;                    // lamb
  bool trust_clip = false, always_adapt = false;  // lamb: no longer steps; also where nothing is decayed
};

// The formulas are those of PyTorch: kernels/optimizer.h has them. State starts at zero and lies in flat buffers of the
// parameters' layout. Every step is one parallel pass over memory, whose bits do not depend on the number of threads
// (but for Muon's products of matrices).
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // One step, in place on the first elements of values, as many as there are gradients. lr: the schedule's rate of this
  // update. gradient_scale: of clipping. average: follows in the same pass, over all of the values; null: none.
  void step(const Tensor& values, const Tensor& gradients, double lr, double gradient_scale = 1,
            Ema* average = nullptr);

  // What a checkpoint keeps besides the weights: flat buffers by name, and the number of steps done.
  virtual std::vector<std::pair<std::string, Tensor>> state() const = 0;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 protected:
  explicit Optimizer(std::vector<Group> groups) : groups_(std::move(groups)) {}
  // What a rule must know of whole parameters before any of them changes. `steps_` counts this step already.
  virtual void prepare(const Tensor& /*values*/, const Tensor& /*gradients*/, double /*gradient_scale*/) {}
  // Elements [begin, end) of one group, on the calling thread.
  virtual void update(float* values, const float* gradients, int64_t begin, int64_t end, const Group& group, double lr,
                      double gradient_scale) = 0;
  const std::vector<Group>& groups() const { return groups_; }
  int64_t steps_ = 0;

 private:
  std::vector<Group> groups_;
};

// groups: cover a buffer of `size` elements. Those of a kind that asks for it are one for each parameter.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, std::vector<Group> groups, int64_t size);

}  // namespace tessera::train
