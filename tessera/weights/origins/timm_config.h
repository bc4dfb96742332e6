// timm's config.json, as its models on the Hugging Face hub have it.
#pragma once

#include "tessera/weights/origin.h"

namespace tessera::weights {

// It names the model; what its shapes tell is not asked of it. names: of timm's models, and of registered ones of that
// shape. Errors begin with `where`.
Config timm_config(const std::string& text, const std::string& where,
                   const std::vector<std::pair<std::string, std::string>>& names = {});

}  // namespace tessera::weights
