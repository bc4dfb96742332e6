// In what the original may differ from the model as it was loaded: tessera parity tries these.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tessera/cli/parity_setup.h"

namespace tessera::cli {

struct Suspect {
  std::string group;        // of one group not more than one is tried at a time
  std::string name = {};    // "act=gelu_tanh"
  std::string advice = {};  // what is the case, and what to do
  std::function<void(Setup& setup)> change = {};
  bool rare = false;  // of one block alone: tried where nothing else agrees
};

// Of the network: keys of the architecture (epsilon, activation, norms, heads, pooling).
std::vector<Suspect> suspects_of_architecture(const Setup& setup);
// Of the weights as they were read: transposes, the order of q, k and v, the scale of attention, patch pixels,
// positions.
std::vector<Suspect> suspects_of_weights(const Setup& setup);
// Of tables that had another size in the file that they came from: each way of resizing.
std::vector<Suspect> suspects_of_resizing(const Setup& setup, const formats::NamedArrays& source);
// Of what the model was shown: normalisation, order of channels and axes; for pictures resize, crop and orientation.
std::vector<Suspect> suspects_of_input(const Setup& setup, bool pictures);

}  // namespace tessera::cli
