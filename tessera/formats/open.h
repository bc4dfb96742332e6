// Any file of named arrays, told by its bytes and never by its name: safetensors, npz, PyTorch's (both formats), and
// folders and indices of shards as Hugging Face writes them.
#pragma once

#include <filesystem>
#include <string>

#include "tessera/formats/array.h"

namespace tessera::formats {

struct ArrayFile {
  std::string format;  // for people: "safetensors", "PyTorch", "npz", "safetensors in 3 shards"
  NamedArrays arrays;  // in the file's order; views of the mapped file where it allows that
  Metadata metadata;   // of safetensors, and the plain values beside PyTorch's tensors (pytorch.h)
};

// `path`: a file, an index of shards (*.index.json) or a folder (then weights_file). Everything is checked before
// anything is returned; errors name the file and the array.
ArrayFile read_arrays(const std::filesystem::path& path);

// The file of a folder that holds its weights: model.safetensors, its index, pytorch_model.bin, its index, or else the
// only file of a known kind. An Error where there is none or more than one. A path that is no folder is returned as it
// is.
std::filesystem::path weights_file(const std::filesystem::path& path);

// Whether the name says that it is an index of shards.
bool is_shard_index(const std::filesystem::path& path);

}  // namespace tessera::formats
