// Where recipes are found and runs are kept.
#pragma once

#include <filesystem>
#include <string>

namespace tessera::cli {

// A recipe's file: `recipe` itself where it is one, else recipes/NAME.toml below the working folder or beside the
// program. An unknown name is a UsageError that tells the nearest.
std::filesystem::path find_recipe(const std::string& recipe);

// runs/NAME-1, or the next number that is free.
std::filesystem::path fresh_run_folder(const std::string& name);

// A word as a shell takes it.
std::string shell_quoted(const std::string& word);

}  // namespace tessera::cli
