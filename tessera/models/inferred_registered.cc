// A network whose sizes follow no few numbers (ResNet, VGG, DenseNet, …): the registered model that has these
// parameters, but for the number of classes and of channels.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/models/registry.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

bool same_but_for(const Shape& a, const Shape& b, int axis) {
  if (a.rank() != b.rank()) return false;
  for (int i = 0; i < a.rank(); ++i)
    if (i != axis && a[i] != b[i]) return false;
  return true;
}

// 32 and [32, 32] do.
bool says_the_same(const Json& a, const Json& b) {
  if (a.is_array() && !b.is_array()) return std::ranges::all_of(a, [&](const Json& x) { return x == b; });
  return a == b;
}

struct Match {
  Json keys;           // what the registered model's must be
  size_t members = 0;  // parameters that the file and the model have
  size_t agreed = 0;   // known keys that are as the model's
  size_t usual = 0;    // whether it has as many classes and channels as the registered one: a guess
  auto rank() const { return std::pair(members, agreed); }
};

// Nothing where no keys will do. The file may hold more: a deeper network has what a shallow one has.
std::optional<Match> match(const std::string& name, const Shapes& shapes, const Json& known) {
  const std::string architecture = architecture_of(name);
  const std::unique_ptr<Model> model = build(architecture);
  const std::vector<std::string> head = model->head_parameters();
  Match match{Json::parse(architecture)};
  match.keys["num_classes"] = 0;
  for (const nn::Parameter& parameter : model->state()) {
    const Shape& ours = parameter.tensor->shape();
    const auto found = shapes.find(parameter.name);
    const bool of_head = std::count(head.begin(), head.end(), parameter.name) > 0;
    if (found == shapes.end()) {
      if (of_head) continue;  // features alone
      return std::nullopt;
    }
    const auto spatial = model->spatial(parameter.name);
    const bool of_stem = spatial && spatial->kind == Spatial::Kind::patches;
    if (!same_but_for(found->second, ours, of_head ? 0 : of_stem ? 1 : -1)) return std::nullopt;
    if (of_head) match.keys["num_classes"] = found->second[0];
    if (of_stem) match.keys["in_chans"] = found->second[1];
    ++match.members;
  }
  const Json all = Json::parse(model->architecture());
  for (const auto& [key, value] : known.items()) match.agreed += all.contains(key) && says_the_same(all[key], value);
  for (const char* key : {"num_classes", "in_chans"}) match.usual += all[key] == match.keys.value(key, all[key]);
  return match;
}

}  // namespace

std::optional<Inferred> infer_registered(const Shapes& shapes, const std::string& known, const std::string& family) {
  if (std::ranges::none_of(shapes, [](const auto& entry) { return entry.second.rank() == 4; }))
    return std::nullopt;  // no convolution
  const Json said = Json::parse(known);
  Inferred inferred;
  std::vector<std::string> names;  // of those that match as much
  std::string name_of_best;
  Match best;
  for (const std::string& name : registry().variants.names()) {
    const std::string& its = registry().variants.at(name).family;
    if (family.empty() ? registry().families.at(its).infer != nullptr : its != family) continue;
    const std::optional<Match> found = match(name, shapes, said);
    if (!found || found->rank() < best.rank()) continue;
    const bool clearly = found->rank() > best.rank();
    if (clearly) names.clear();
    names.push_back(name);
    if (!clearly && found->usual <= best.usual) continue;
    best = *found;
    name_of_best = name;
  }
  if (names.empty()) return std::nullopt;
  inferred.architecture = best.keys.dump();
  if (names.size() > 1)
    inferred.assumed.push_back(
        fmt::format("the weights could be those of {}: taken for {}; say --model NAME where it is another",
                    fmt::join(names, " or of "), name_of_best));
  return inferred;
}

}  // namespace tessera::models
