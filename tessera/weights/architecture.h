// What model a file of weights makes: out of the shapes of its parameters, the config.json beside it, and its name.
#pragma once

#include "tessera/weights/weight_file.h"

namespace tessera::weights {

// Fills in file.architecture, unknown, assumed, class_names, config and name; file.feeds are known. settings: keys that
// the user says. A config that contradicts the shapes is an Error that names both.
void tell_architecture(WeightFile& file, const models::Settings& settings);

}  // namespace tessera::weights
