// Which model a command is about: --model NAME or --architecture FILE, changed by --set KEY=VALUE.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/infer/classifier.h"

namespace tessera::cli {

struct ModelChoice {
  std::string model, architecture;
  std::vector<std::string> set;

  void visit(Options& o);
  bool given() const { return !model.empty() || !architecture.empty(); }
  // What messages and reports call it: the name, or the file.
  const std::string& name() const { return model.empty() ? architecture : model; }
  // The architecture as a JSON object with "family" (models/registry.h); empty where none is given.
  std::string json() const;
};

// The model file that a path stands for: itself, or the model.safetensors of a run's folder.
std::string model_file(const std::string& path);

// What is said of a file of weights besides its path.
struct SourceChoice {
  ModelChoice choice;
  std::string origin, names;
  std::vector<std::string> fresh, ignore;
  std::string positions, relative, patches;

  void visit(Options& o);
  weights::LoadOptions load_options() const;
};

// A file of weights to use: a model file, or weights of another origin.
struct WeightsChoice {
  std::string weights;  // positional
  SourceChoice source;
  std::vector<std::string> preprocess;  // KEY=VALUE

  void visit(Options& o);
  infer::Classifier load() const;
};

// What became of a file's weights that is not to be expected, a line each: resized, started anew, left out.
std::vector<std::string> remarks(const weights::Account& account);

// The preprocessing with KEY=VALUE texts of --preprocess in force.
image::Preprocess changed(image::Preprocess how, const std::vector<std::string>& preprocess);

// KEY=VALUE texts as pairs.
std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<std::string>& texts,
                                                          const std::string& flag);

}  // namespace tessera::cli
