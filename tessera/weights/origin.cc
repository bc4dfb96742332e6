#include "tessera/weights/origin.h"

#include <algorithm>

namespace tessera::weights {

void register_all(OriginRegistry& registry);  // generated

const OriginRegistry& origins() {
  static const OriginRegistry instance = [] {
    OriginRegistry registry;
    register_all(registry);
    return registry;
  }();
  return instance;
}

namespace {

// Whose this name is: of the keys that match a tail of it, the one of the longest tail. "" where there is none.
std::string origin_of(const std::string& array) {
  std::string found;
  size_t start = array.size();
  for (const std::string& name : origins().names())
    for (const std::string& key : origins().at(name).keys)
      if (const std::optional<size_t> tail = match_tail(key, array); tail && *tail < start) {
        found = name;
        start = *tail;
      }
  return found;
}

}  // namespace

std::string recognise(const formats::NamedArrays& arrays, const std::string& where) {
  std::string found, by;
  for (const auto& [array, values] : arrays) {
    const std::string name = origin_of(array);
    if (name.empty() || name == found) continue;
    TESSERA_CHECK(found.empty(),
                  "{}: it mixes the namings of {} ({}) and of {} ({}); a file must hold one model under one naming",
                  where, found, formats::in_quotes(by), name, formats::in_quotes(array));
    found = name;
    by = array;
  }
  return found;
}

}  // namespace tessera::weights
