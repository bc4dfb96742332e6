// What training programs put around a model's weights: the dictionary they lie in ("state_dict", "model_ema"), prefixes
// of their names ("module.", "_orig_mod.", "backbone."), and other tensors beside them.
#pragma once

#include "tessera/weights/weight_file.h"

namespace tessera::weights {

// Splits file.arrays into those of the model, without such prefixes, and file.beside. Of several dictionaries the
// averaged weights come first, as timm takes them. keys: patterns of names that only models have (Origin::keys).
void peel(WeightFile& file, const std::vector<std::string>& keys, const std::vector<std::string>& roots);

}  // namespace tessera::weights
