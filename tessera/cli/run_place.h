// Where recipes are found and runs are kept.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tessera::cli {

// A recipe's file: `recipe` itself where it is one, else recipes/NAME.toml below the working folder or beside the
// program. An unknown name is a UsageError that tells the nearest.
std::filesystem::path find_recipe(const std::string& recipe);

// The same, empty where there is none (also of the architectures there: "networks/hybrid_cifar"); and the names of
// those that there are.
std::filesystem::path recipe_file(const std::string& recipe);
std::vector<std::string> recipe_names();

// runs/NAME-1, or the next number that is free.
std::filesystem::path fresh_run_folder(const std::string& name);

// A word as a shell takes it.
std::string shell_quoted(const std::string& word);

}  // namespace tessera::cli
