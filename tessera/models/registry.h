// The models that tessera knows. A family is a way to build a model from an architecture; a name is an architecture
// with a place in the literature.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/registry.h"
#include "tessera/models/inferred.h"
#include "tessera/models/model.h"

namespace tessera::models {

struct Family {
  // architecture: a JSON object without "family". An unknown key or a bad value is a UsageError that names it.
  std::function<std::unique_ptr<Model>(const std::string& architecture)> build;
  // Every key with its default and its meaning, for help.
  std::function<std::string()> help;
  // infer() for this family; null where its weights are always said what they are.
  std::function<std::optional<Inferred>(const Shapes& shapes, const std::string& known)> infer = {};
};

struct Variant {
  std::string family;
  std::string architecture;  // JSON object: what differs from the family's defaults
  std::string about;         // one line: paper, size
};

struct Registry {
  NamedRegistry<Family> families{"model family"};
  NamedRegistry<Variant> variants{"model"};
};

// Everything in models/, registered once.
const Registry& registry();

// ("depth", "3"): JSON values, lists without their brackets, or bare words as strings.
using Settings = std::vector<std::pair<std::string, std::string>>;

// The architecture of a registered name, as a full JSON object with "family".
std::string architecture_of(const std::string& name);
// Changes keys of an architecture.
std::string with_settings(const std::string& architecture, const Settings& settings);
// Reads an architecture file: JSON, or TOML by its ending.
std::string read_architecture(const std::string& path);
// Builds a model; its parameters are not yet initialised.
std::unique_ptr<Model> build(const std::string& architecture);

}  // namespace tessera::models
