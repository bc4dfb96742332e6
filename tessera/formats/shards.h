// Weights in several files with an index of them, model.safetensors.index.json, for open.cc.
// https://huggingface.co/docs/transformers/big_models explains the index.
#pragma once

#include <filesystem>
#include <functional>

#include "tessera/formats/open.h"

namespace tessera::formats {

// Every array stands in the shard that the index names, and the index names every array of the shards. `read_shard`
// reads one of them.
ArrayFile read_shards(const std::filesystem::path& index,
                      const std::function<ArrayFile(const std::filesystem::path&)>& read_shard);

}  // namespace tessera::formats
