// The files that paths stand for: each file itself, each folder's pictures with all that is below it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tessera::cli {

// Holds the names of the folders being read, and nothing else: folders may be of any size.
class Walk {
 public:
  // A path that does not exist is an Error at once.
  explicit Walk(const std::vector<std::string>& paths);

  // The next file; nothing at the end. Arguments come in their order and whatever they are; of a folder, in the order
  // of the names, those files that begin like a picture or are called .jpg, .jpeg or .png. A folder without any is an
  // Error. Links to folders are not followed.
  std::optional<std::filesystem::path> next();

  int64_t strays() const { return strays_; }  // files of folders that were passed over

 private:
  void open(const std::filesystem::path& folder);

  std::vector<std::vector<std::filesystem::path>>
      todo_;                        // arguments, then nested folders; the last of the last is next
  std::filesystem::path argument_;  // the folder being read, and what it gave
  int64_t found_ = 0;
  int64_t strays_ = 0;
};

// ".jpg" of "A.JPG".
std::string lower_extension(const std::filesystem::path& path);

}  // namespace tessera::cli
