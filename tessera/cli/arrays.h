// What `tessera info` says of files of named arrays that are no model of tessera's.
#pragma once

#include <filesystem>

#include "tessera/formats/open.h"

namespace tessera::cli {

// Prints the format, every array's name, type, shape and size, and the plain values beside them.
void describe_arrays(const std::filesystem::path& path, const formats::ArrayFile& file);

}  // namespace tessera::cli
