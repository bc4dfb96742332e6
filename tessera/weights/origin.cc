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

std::string recognise(const formats::NamedArrays& arrays, const std::string& where) {
  std::string found, by;
  for (const std::string& name : origins().names()) {
    const Origin& origin = origins().at(name);
    for (const auto& [array, values] : arrays) {
      if (std::none_of(origin.keys.begin(), origin.keys.end(),
                       [&array = array](const std::string& key) { return match_tail(key, array).has_value(); }))
        continue;
      TESSERA_CHECK(found.empty(),
                    "{}: it mixes the namings of {} ({}) and of {} ({}); a file must hold one model under one naming",
                    where, found, formats::in_quotes(by), name, formats::in_quotes(array));
      found = name;
      by = array;
      break;
    }
  }
  return found;
}

}  // namespace tessera::weights
