// Whose code wrote a file of weights: its names, and what its models do otherwise than timm's. A new origin is one file
// in origins/ that defines `void register_<file>(OriginRegistry&)`, or a rules file of the user's (rules_file.h).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tessera/core/registry.h"
#include "tessera/formats/array.h"
#include "tessera/models/registry.h"
#include "tessera/weights/resize.h"
#include "tessera/weights/rule.h"

namespace tessera::weights {

// What a config.json says of the model whose weights lie beside it.
struct Config {
  models::Settings architecture = {};              // keys of an architecture
  std::map<std::string, std::string> called = {};  // what the file calls them, for messages
  std::vector<std::string> classes = {};           // their names, or none
  std::string model = {};                          // the library's name for it, or ""
};

struct Origin {
  std::string about = {};              // one line: the library, and a name as it writes them
  std::vector<std::string> keys = {};  // patterns of names, or of tails of them, that only this origin has
  // What the library's classes put in front of some names: each is taken for the first, also where it is missing.
  std::vector<std::string> roots = {};
  std::vector<Rule> rules = {};           // none: names are parameters' already
  std::vector<std::string> buffers = {};  // patterns of arrays that are no parameters and can be computed again
  std::vector<std::pair<std::string, std::string>> names = {};  // of its models, and of registered ones of that shape
  // Models that have these names and shapes, but compute otherwise: a part of their names, and what they do. Refused.
  std::vector<std::pair<std::string, std::string>> strangers = {};
  models::Settings architecture = {};  // what is otherwise than tessera's defaults, which are timm's
  std::map<std::string, models::Settings> of_family = {};  // the same, of one family
  std::vector<std::string> families = {};                  // that can be written under these names; none: all
  PositionResize positions = PositionResize::timm;
  RelativeResize relative = RelativeResize::timm;
  PatchResize patches = PatchResize::flexi;

  // Brings arrays into the form that the rules expect.
  std::function<void(formats::NamedArrays& arrays)> prepare = {};
  // Of the text of a config.json. Errors begin with `where`.
  std::function<Config(const std::string& text, const std::string& where)> read_config = {};
  bool needs_config = false;  // a folder without it is refused, unless the user says what it would
  // What its models are always like, for writing them: a model that is otherwise is refused.
  models::Settings fixed = {};
  // The config.json of a model that is written under these names.
  std::function<std::string(const std::string& architecture, const std::vector<std::string>& classes)> write_config =
      {};
};

struct OriginRegistry : NamedRegistry<Origin> {
  OriginRegistry() : NamedRegistry("origin of weights") {}
};

// Everything in origins/, registered once.
const OriginRegistry& origins();

// The origin whose keys the names match, or "" where there is none. Names of two of them are an Error, which begins
// with `where`.
std::string recognise(const formats::NamedArrays& arrays, const std::string& where);

}  // namespace tessera::weights
