// The commands of the program. A new command is one file that defines `void register_<file>(Registry&)`.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/registry.h"

namespace tessera::cli {

using Arguments = std::vector<std::string>;  // behind the command's name

struct Command {
  std::string about;  // one line, for the list
  // Returns the exit code; errors are thrown (UsageError: 2, any other: 1).
  int (*run)(const Arguments& arguments);
};

struct Registry : NamedRegistry<Command> {
  Registry() : NamedRegistry("command") {}
};

void register_all(Registry& registry);  // generated

}  // namespace tessera::cli
