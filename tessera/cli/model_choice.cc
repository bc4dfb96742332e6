#include "tessera/cli/model_choice.h"

#include <filesystem>

#include "tessera/cli/output.h"
#include "tessera/cli/run_place.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"
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
  if (!fs::is_directory(path, unreadable) || fs::exists(fs::path(path) / "config.json", unreadable)) return path;
  const fs::path file = fs::path(path) / "model.safetensors";
  return fs::exists(file) ? file.string() : path;
}

namespace {

// A file, or the name of one that comes with tessera: "networks/hybrid_cifar".
std::string architecture_called(const std::string& name) {
  const std::filesystem::path file = recipe_file(name);
  return models::read_architecture(file.empty() ? name : file.string());
}

}  // namespace

void ModelChoice::visit(Options& o) {
  o("model", model, "a registered model; `tessera models` lists them").placeholder("NAME");
  o("architecture", architecture, "an architecture file, JSON or TOML, or one that comes with tessera")
      .placeholder("FILE|NAME");
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
  return models::with_settings(model.empty() ? architecture_called(architecture) : models::architecture_of(model),
                               pairs_of(set, "--set"));
}

void SourceChoice::visit(Options& o) {
  choice.visit(o);
  o("origin", origin, "whose names the weights have, where it is not recognised").one_of(weights::origins().names());
  o("names", names, "a file of rules from the weights' names to parameters (docs/weights.md)")
      .placeholder("RULES.toml");
  o("fresh", fresh, "parameters that may be missing or of another shape: they start anew; * stands for anything")
      .placeholder("PATTERN");
  o("ignore", ignore, "tensors that may be left over; * stands for anything").placeholder("PATTERN");
  o("positions", positions, "how position embeddings are resized; by default as the origin does")
      .one_of(weights::position_resize_names());
  o("relative", relative, "how tables of relative positions are resized").one_of(weights::relative_resize_names());
  o("patches", patches, "how patch kernels are resized").one_of(weights::patch_resize_names());
}

weights::LoadOptions SourceChoice::load_options() const {
  if (!origin.empty() && !names.empty())
    fail_usage("options '--origin' and '--names' both say what names mean; give one");
  weights::LoadOptions options;
  options.naming = {origin, names};
  if (choice.given()) options.architecture = choice.json();
  options.set = pairs_of(choice.set, "--set");
  options.fill.fresh = fresh;
  options.fill.ignore = ignore;
  options.fill.positions = positions;
  options.fill.relative = relative;
  options.fill.patches = patches;
  return options;
}

void WeightsChoice::visit(Options& o) {
  o("weights", weights,
    "a model file, the folder of a run, or weights of another origin (PyTorch, safetensors, npz, a Hugging Face "
    "folder)")
      .positional()
      .placeholder("MODEL")
      .required();
  o.section("Weights of another origin");
  source.visit(o);
  o("preprocess", preprocess, "changes how pictures are prepared: crop_pct=0.9, mean=0.5,0.5,0.5 …")
      .placeholder("KEY=VALUE");
}

infer::Classifier WeightsChoice::load() const {
  weights::LoadOptions options = source.load_options();
  options.fill.purpose = weights::Purpose::use;
  weights::LoadedModel loaded = weights::load_model(model_file(weights), options);
  for (const std::string& remark : remarks(loaded.account)) complain("note: " + remark);
  const infer::Classifier classifier = infer::Classifier::from(std::move(loaded));
  return preprocess.empty() ? classifier : classifier.with_preprocess(changed(classifier.preprocess(), preprocess));
}

std::vector<std::string> remarks(const weights::Account& account) {
  std::vector<std::string> lines = account.assumed;
  for (const weights::Fate& fate : account.loaded)
    if (!fate.how.empty()) lines.push_back(fmt::format("{}: {}", fate.parameter, fate.how));
  const auto list = [&](const std::vector<weights::Fate>& fates, const char* what, bool parameters) {
    std::vector<std::string> names;
    for (const weights::Fate& fate : fates)
      if (!fate.array.ends_with(".num_batches_tracked"))  // PyTorch counts, and nothing reads it
        names.push_back(parameters ? fate.parameter : fate.array);
    if (!names.empty()) lines.push_back(fmt::format("{}: {}", what, list_some(names)));
  };
  list(account.fresh, "starts anew", true);
  list(account.ignored, "left out of the file", false);
  return lines;
}

image::Preprocess changed(image::Preprocess how, const std::vector<std::string>& preprocess) {
  Options options;
  how.visit(options);
  options.set_pairs(preprocess, "--preprocess");
  return how;
}

}  // namespace tessera::cli
