// From the pickle of a PyTorch file to its named tensors, for pytorch_zip.cc and pytorch_legacy.cc.
#pragma once

#include "tessera/formats/pytorch.h"
#include "tessera/formats/pytorch_tensor.h"

namespace tessera::formats {

// `storage_bytes`: of all storages together. Errors begin with `file`.
PyTorchFile collect_tensors(const Pickle& pickle, const Storages& storages, uint64_t storage_bytes,
                            const std::string& file);

}  // namespace tessera::formats
