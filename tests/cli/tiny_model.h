// A reference model (tiny_vit_cls) as files: bare weights, their architecture, the input, and the logits expected.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tessera/core/file.h"
#include "tessera/formats/npy.h"
#include "tessera/formats/safetensors.h"
#include "tests/golden_model.h"
#include "tests/support.h"

namespace tessera::test {

struct TinyModel {
  TemporaryFolder folder;
  GoldenCase golden;

  // Writes weights.safetensors, a.json and x.npy into the folder.
  explicit TinyModel(const std::string& name = "tiny_vit_cls")
      : golden(read_golden_case(golden_path("models/" + name + ".json"))) {
    formats::NamedArrays arrays;
    for (const GoldenTensor& tensor : golden.tensors)
      arrays.emplace_back(tensor.name, formats::array_of(golden_values(tensor), tensor.shape));
    formats::write_safetensors(folder / "weights.safetensors", arrays);
    nlohmann::json architecture = {{"family", "vit"}};
    for (const char* key : {"img_size", "patch_size", "embed_dim", "depth", "num_heads", "num_classes"})
      architecture[key] = golden.architecture.at(key);
    write_atomically(folder / "a.json", architecture.dump());
    const GoldenTensor& input = golden.inputs.at(0);
    formats::write_npy(folder / "x.npy", formats::array_of(golden_values(input), input.shape));
  }

  const formats::Array& logits() const { return formats::at(golden.expect, "logits"); }
};

}  // namespace tessera::test
