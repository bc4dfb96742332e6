// What `tessera info` says of weights that are no model file of tessera's.
#pragma once

#include <filesystem>

#include "tessera/formats/open.h"
#include "tessera/weights/model_file.h"

namespace tessera::cli {

// Prints the format, every array's name, type, shape and size, and the plain values beside them.
void describe_arrays(const std::filesystem::path& path, const formats::ArrayFile& file);

// The same for weights, with their origin, the model that they make, and the parameter that each array becomes. What
// does not fit together is an Error, before anything is printed; heads that nothing tells are none.
void describe_foreign(const std::filesystem::path& path, const weights::LoadOptions& options, bool shapes);

}  // namespace tessera::cli
