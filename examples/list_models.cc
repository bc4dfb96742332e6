// Lists the models that the library knows. Fails where it knows none: then the package was linked without its registry.
#include <cstdio>

#include "tessera/models/registry.h"

int main() {
  const auto& variants = tessera::models::registry().variants;
  for (const std::string& name : variants.names())
    std::printf("%-28s %s\n", name.c_str(), variants.at(name).about.c_str());
  return variants.names().empty() ? 1 : 0;
}
