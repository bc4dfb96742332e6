// In what the original may differ from the model as it was loaded: tessera parity tries these.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tessera/infer/parity/setup.h"
#include "tessera/weights/model_file.h"

namespace tessera::parity {

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
// Of what had another size in the file that it came from: each way of resizing it. load: loads the model again, with
// other options.
std::vector<Suspect> suspects_of_resizing(
    const std::function<weights::LoadedModel(const std::function<void(weights::FillOptions&)>& change)>& load);
// Of what the model was shown: normalisation, order of channels and axes; for pictures resize, crop and orientation.
std::vector<Suspect> suspects_of_input(const Setup& setup, bool pictures);

}  // namespace tessera::parity
