// From a file of weights to the parameters of a model, with an account of what became of each. Nothing is skipped in
// silence.
#pragma once

#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/weights/weight_file.h"

namespace tessera::weights {

// What a model is loaded for.
enum class Purpose { use, change };

struct FillOptions {
  // Patterns (* for anything) of parameters that may be missing in the file or have another shape: they start anew.
  std::vector<std::string> fresh = {};
  bool fresh_head = false;  // also the final classifier (Model::head_parameters)
  // Patterns of arrays that may be left over.
  std::vector<std::string> ignore = {};
  // How what depends on the size of pictures is resized; "": as the origin does.
  std::string positions = {}, relative = {}, patches = {};
  uint64_t seed = 0;  // of what starts anew
  // The parameters of a model that is only to be used lie in the mapped file where they are stored as f32 in their
  // order: they must not be written to, and the file must not be shortened meanwhile.
  Purpose purpose = Purpose::change;
};

// What became of a parameter, or of an array that became none.
struct Fate {
  std::string parameter;  // or ""
  std::string array;      // or "", where the parameter starts anew; "q and 2 more", where several make one
  std::string how;        // "" where nothing happened to it; "resized 14x14 -> 24x24 (timm)"
};

struct Account {
  std::vector<Fate> loaded;          // in the order of the parameters; `how`: also what was resized
  std::vector<Fate> fresh;           // parameters that started anew
  std::vector<Fate> ignored;         // arrays that became no parameter: buffers, and what the user said may be left
  std::vector<std::string> assumed;  // sentences: what of the architecture could be otherwise
};

// Fills every parameter of `model`. source: the model that the file was made for, for the sizes that its weights are
// of; it may be `model` itself. Errors name the file, the array, both shapes, and what to do. A parameter that is
// missing or has another shape, and an array that is left over, are errors unless the options allow them.
Account fill(models::Model& model, const models::Model& source, const WeightFile& file,
             const FillOptions& options = {});

}  // namespace tessera::weights
