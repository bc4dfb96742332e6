// The update rules. A new one is one file here that defines `void register_<file>(OptimizerRegistry&)`.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "tessera/core/registry.h"
#include "tessera/train/optimizer.h"

namespace tessera::train {

struct OptimizerKind {
  // groups: cover a buffer of `size` elements.
  std::function<std::unique_ptr<Optimizer>(const OptimizerOptions& options, std::vector<Group> groups, int64_t size)>
      make;
  bool by_parameter = false;  // needs a group for each parameter: it looks at whole tensors
};

template <class Rule>
OptimizerKind optimizer_kind(bool by_parameter = false) {
  return {[](const OptimizerOptions& options, std::vector<Group> groups, int64_t size) -> std::unique_ptr<Optimizer> {
            return std::make_unique<Rule>(options, std::move(groups), size);
          },
          by_parameter};
}

struct OptimizerRegistry : NamedRegistry<OptimizerKind> {
  OptimizerRegistry() : NamedRegistry("optimizer") {}
};

void register_all(OptimizerRegistry& registry);  // generated

// AdamW, Adam and SGD, and what stands in this folder.
const OptimizerRegistry& optimizers();

}  // namespace tessera::train
