// How large the parts of a model are.
#pragma once

#include <string>

#include "tessera/nn/module.h"

namespace tessera::models {

// Scalars of the parameters whose names begin like this.
inline int64_t scalars_below(nn::Module& model, const std::string& prefix) {
  int64_t n = 0;
  for (const nn::Parameter& parameter : model.parameters())
    if (parameter.name.starts_with(prefix)) n += parameter.tensor->numel();
  return n;
}

}  // namespace tessera::models
