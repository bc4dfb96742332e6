// The model file: one safetensors file that says everything that is needed to use it. Weights stand under timm's names;
// the metadata holds, as JSON inside strings, the architecture, the preprocessing, the class names and how it was
// trained. Other readers of safetensors open it too.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tessera/formats/array.h"
#include "tessera/models/model.h"

namespace tessera::weights {

// Files carry "tessera.format" = "1". A reader takes any file of its own number or a lower one and refuses a higher
// one; what is added without changing the meaning of what is there keeps the number.
//   1  weights in floating point
//   2  some of the weights are I8 (N, …), multiples of the F32 scales (N) that stand under their name with "_scale"
//   behind it
inline constexpr int kFormatVersion = 2;

struct ModelInfo {
  std::string architecture = {};              // JSON object with "family" (models/registry.h)
  std::string preprocess = {};                // JSON object (image/preprocess.h); empty: not known
  std::vector<std::string> class_names = {};  // K, or none
  std::string training = {};      // JSON object: how it was trained, with no time, path or host; empty: not known
  std::string quantization = {};  // JSON object: what `tessera quantize` found; empty: not quantised
};

// Writes the model's parameters (or `values` in their place: averaged weights, one per parameter). Atomic; the same
// model and info give the same bytes.
void save_model(const std::filesystem::path& path, models::Model& model, const ModelInfo& info,
                const std::vector<Tensor>* values = nullptr);

// What a model is loaded for.
enum class Purpose { use, change };

struct LoadedModel {
  std::unique_ptr<models::Model> model;
  ModelInfo info;
};

// Reads a model file. `architecture` (JSON) is for bare weights, which name none; given for a model file it must not
// contradict it. Errors name the file and what is wrong: truncated, of a newer format, a tensor missing, too many or of
// another shape. The parameters of a model that is only to be used lie in the mapped file where they are stored as f32;
// they must not be written to, and the file must not be shortened meanwhile.
LoadedModel load_model(const std::filesystem::path& path, const std::string& architecture = "",
                       Purpose purpose = Purpose::change);

// What a file says of itself, without its weights.
ModelInfo read_model_info(const std::filesystem::path& path);

// Fills every parameter from the array of its name. Strict: each parameter once, nothing left over, every shape equal
// (axes of extent 1 aside: a (1, 1, D) token may be stored as (D)).
void load_weights(models::Model& model, const formats::NamedArrays& arrays, const std::string& where,
                  Purpose purpose = Purpose::change);

}  // namespace tessera::weights
