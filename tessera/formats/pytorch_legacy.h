// PyTorch's format before version 1.6, for pytorch.cc: five pickles (a magic number, a protocol number, the machine,
// the object, the keys of its storages), then the storages, each a count (i64) and the elements.
#pragma once

#include <filesystem>

#include "tessera/formats/pytorch.h"

namespace tessera::formats {

PyTorchFile read_pytorch_legacy(const std::filesystem::path& path);

}  // namespace tessera::formats
