// The model file: one safetensors file that says everything that is needed to use it. Weights stand under timm's names;
// the metadata holds, as JSON inside strings, the architecture, the preprocessing, the class names and how it was
// trained. Other readers of safetensors open it too.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/weights/fill.h"

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

// Writes the model's parameters (or `values` in their place: averaged weights, one for each of its state()). Atomic;
// the same model and info give the same bytes.
void save_model(const std::filesystem::path& path, models::Model& model, const ModelInfo& info,
                const std::vector<Tensor>* values = nullptr);

struct LoadOptions {
  Naming naming = {};             // of weights that are no model file of tessera's
  std::string architecture = {};  // JSON object: what they are of. Of a model file it must not say anything else
  models::Settings set = {};      // keys of the architecture that are to be otherwise: img_size, num_classes, num_heads
  FillOptions fill = {};
};

struct LoadedModel {
  std::unique_ptr<models::Model> model;
  ModelInfo info;
  Account account;
  std::string origin;          // "tessera", one of origins(), or the rules file; "" for names of no known origin
  std::string name;            // of a registered model, where the file says or shows it
  std::filesystem::path file;  // the file, where a folder was given
};

// Reads any file of weights: a model file, or one of another origin (weight_file.h), whose architecture follows from
// its names and shapes, the config.json beside it and what the options say. Errors name the file and what is wrong:
// truncated, of a newer format, a tensor missing, too many or of another shape, or a key that nothing tells.
LoadedModel load_model(const std::filesystem::path& path, const LoadOptions& options = {});
// The same of a file that was opened with what these options say.
LoadedModel load_model(WeightFile file, const LoadOptions& options);

// What the options say of the architecture, for open_weights().
models::Settings said(const LoadOptions& options);

// The architecture that a file's weights have, as far as it can be told, and what still has to be said for it.
std::string complete_architecture(const WeightFile& file, const LoadOptions& options);

// What a file says of itself, without its weights.
ModelInfo read_model_info(const std::filesystem::path& path);

}  // namespace tessera::weights
