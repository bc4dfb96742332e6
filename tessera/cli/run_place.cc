#include "tessera/cli/run_place.h"

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

// Of the source tree, of a build folder within it, of an installed package.
std::vector<fs::path> recipe_folders() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  return {"recipes", program / "../../../recipes", program / "../share/tessera/recipes"};
}

}  // namespace

fs::path recipe_file(const std::string& recipe) {
  if (fs::is_regular_file(recipe)) return recipe;
  for (const fs::path& folder : recipe_folders())
    if (const fs::path file = folder / (recipe + ".toml"); fs::is_regular_file(file)) return file.lexically_normal();
  return {};
}

std::vector<std::string> recipe_names() {
  std::vector<std::string> names;
  for (const fs::path& folder : recipe_folders()) {
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator(folder, missing))
      if (entry.path().extension() == ".toml") names.push_back(entry.path().stem().string());
  }
  return names;
}

fs::path find_recipe(const std::string& recipe) {
  const fs::path file = recipe_file(recipe);
  if (file.empty())
    fail_usage("option '--recipe': there is no file and no recipe '{}'{}", recipe,
               did_you_mean(recipe, recipe_names()));
  return file;
}

fs::path fresh_run_folder(const std::string& name) {
  for (int64_t number = 1;; ++number) {
    const fs::path folder = fs::path("runs") / fmt::format("{}-{}", name, number);
    if (!fs::exists(folder)) return folder;
  }
}

std::string shell_quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("-_./=,:+@%").find(c) != std::string::npos;
  });
  if (plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace tessera::cli
