// What the names and shapes of a model's parameters say of its architecture.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/shape.h"

namespace tessera::models {

using Shapes = std::map<std::string, Shape>;  // of parameters, by their names

struct Inferred {
  std::string architecture;            // JSON object with "family": the keys that can be told
  std::vector<std::string> unknown{};  // keys that cannot: num_heads, where nothing depends on it
  std::vector<std::string> assumed{};  // sentences: what could be otherwise
};

// The least ratio whose product with a width D is, rounded down, the MLP's hidden width.
double mlp_ratio(int64_t D, int64_t hidden);

// `known`: a JSON object of keys that somebody said already, which help to tell the others. The first family whose
// parameters these are; an empty architecture where there is none. What no model can be is an Error without a place
// that names the parameter.
Inferred infer(const Shapes& shapes, const std::string& known = "{}");

// For families whose architectures are a list of names: of the registered models of `family`, or where it is empty of
// all families that have no way of their own, the one whose parameters are all among these, but for the number of
// classes and of channels; of several the one that has most, and then the one of which most is `known`. Where that
// leaves more than one, one that has as many classes and channels, and `assumed` names them all.
std::optional<Inferred> infer_registered(const Shapes& shapes, const std::string& known,
                                         const std::string& family = "");

}  // namespace tessera::models
