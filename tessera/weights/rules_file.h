// A naming of the user's own, in TOML (docs/weights.md has examples):
//
//   architecture = { num_heads = 4, norm_position = "post" }   # what the names and shapes do not tell
//
//   [rules]                                                    # array of the file -> parameter
//   "encoder.{i}.norm1.{p}" = "blocks.{i}.norm1.{p}"
//   "encoder.{i}.attn.query.{p}" = { to = "blocks.{i}.attn.qkv.{p}", part = [1, 3] }
//   "encoder.{i}.out.kernel" = { to = "blocks.{i}.attn.proj.weight", rearrange = "i o -> o i" }
//
//   ignore = ["loss.*"]                                        # arrays that are no parameters
#pragma once

#include <filesystem>

#include "tessera/weights/origin.h"

namespace tessera::weights {

// Errors name the file, the line or the rule.
Origin read_rules(const std::filesystem::path& path);

}  // namespace tessera::weights
