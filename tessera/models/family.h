// A family out of a struct of keys: one visit(Options&) names each key once, and reading, help and storing follow.
#pragma once

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

// M is built from a Config, which has visit(Options&) and complete(const Options& given): fills in what follows from
// other keys and refuses what cannot be. about: one sentence for help.
template <class M, class Config>
Family family_of(const std::string& name, const std::string& about, decltype(Family::infer) infer = {}) {
  const auto build = [](const std::string& architecture) -> std::unique_ptr<Model> {
    Config config;
    Options options;
    config.visit(options);
    options.from_json(architecture, "the architecture");
    config.complete(options);
    auto model = std::make_unique<M>(config);
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

// All keys as a JSON object with "family", as Model::architecture() tells them.
template <class Config>
std::string describe(const std::string& family, Config config) {
  Options options;
  config.visit(options);
  return with_settings(options.to_json(), {{"family", family}});
}

}  // namespace tessera::models
