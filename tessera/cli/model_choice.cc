#include "tessera/cli/model_choice.h"

#include <filesystem>

#include "tessera/core/error.h"
#include "tessera/models/registry.h"

namespace tessera::cli {

std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<std::string>& texts,
                                                          const std::string& flag) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      fail_usage("option '{}' takes KEY=VALUE, but it is '{}'", flag, text);
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

std::string model_file(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code unreadable;
  if (!fs::is_directory(path, unreadable)) return path;
  const fs::path file = fs::path(path) / "model.safetensors";
  TESSERA_CHECK(fs::exists(file), "{}: a folder without a model.safetensors, so not that of a finished run", path);
  return file.string();
}

void ModelChoice::visit(Options& o) {
  o("model", model, "a registered model; `tessera models` lists them").placeholder("NAME");
  o("architecture", architecture, "an architecture file, JSON or TOML").placeholder("FILE");
  o("set", set, "changes a key of the architecture; `tessera models --architecture-help` lists the keys")
      .placeholder("KEY=VALUE");
}

std::string ModelChoice::json() const {
  if (!model.empty() && !architecture.empty())
    fail_usage("options '--model' and '--architecture' both name a model; give one of them");
  if (!given()) {
    if (!set.empty()) fail_usage("option '--set' changes a model that --model or --architecture names; give one");
    return "";
  }
  const std::string json = model.empty() ? models::read_architecture(architecture) : models::architecture_of(model);
  return models::with_settings(json, pairs_of(set, "--set"));
}

void WeightsChoice::visit(Options& o) {
  o("weights", weights,
    "a model file, the folder of a run, or bare weights (safetensors) with --model or --architecture")
      .positional()
      .placeholder("MODEL")
      .required();
  o.section("Bare weights");
  choice.visit(o);
  o("preprocess", preprocess, "changes how pictures are prepared: crop_pct=0.9, mean=0.5,0.5,0.5 …")
      .placeholder("KEY=VALUE");
}

infer::Classifier WeightsChoice::load() const {
  infer::Classifier classifier = infer::Classifier::load(model_file(weights), choice.json());
  return preprocess.empty() ? classifier : classifier.with_preprocess(changed(classifier.preprocess(), preprocess));
}

image::Preprocess changed(image::Preprocess how, const std::vector<std::string>& preprocess) {
  Options options;
  how.visit(options);
  options.set_pairs(preprocess, "--preprocess");
  return how;
}

}  // namespace tessera::cli
