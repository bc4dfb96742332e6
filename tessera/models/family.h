// A family out of a struct of keys: one visit(Options&) names each key once, and reading, help and storing follow.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tessera/core/error.h"
#include "tessera/core/options.h"
#include "tessera/models/registry.h"

namespace tessera::models {

// Refuses pictures of which nothing is left on their way through the model.
inline void check_way(Model& model) {
  try {
    model.shapes();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    fail_usage("{}", error.what());
  }
}

// A Config has visit(Options&) and complete(const Options& given): fills in what follows from other keys and refuses
// what cannot be. make: from it to a model. about: one sentence for help.
template <class Config>
Family family_made_by(const std::function<std::unique_ptr<Model>(const Config&)>& make, const std::string& name,
                      const std::string& about, decltype(Family::infer) infer = {}) {
  const auto build = [make](const std::string& architecture) {
    Config config;
    Options options;
    config.visit(options);
    options.from_json(architecture, "the architecture");
    config.complete(options);
    std::unique_ptr<Model> model = make(config);
    check_way(*model);
    return model;
  };
  const auto help = [name, about] {
    Config config;
    Options options("\"family\": \"" + name + "\" with these keys (--set KEY=VALUE, or a JSON or TOML file)", about);
    config.visit(options);
    return options.help(100, Options::Style::keys);
  };
  return {build, help, std::move(infer)};
}

// Of a class M that is built from its Config.
template <class M, class Config>
Family family_of(const std::string& name, const std::string& about, decltype(Family::infer) infer = {}) {
  const auto make = [](const Config& config) { return std::make_unique<M>(config); };
  return family_made_by<Config>(make, name, about, std::move(infer));
}

// All keys as a JSON object with "family", as Model::architecture() tells them.
template <class Config>
std::string describe(const std::string& family, Config config) {
  Options options;
  config.visit(options);
  return with_settings(options.to_json(), {{"family", family}});
}

}  // namespace tessera::models
