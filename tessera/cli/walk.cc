#include "tessera/cli/walk.h"

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/image/format.h"

namespace tessera::cli {

namespace fs = std::filesystem;

namespace {

bool claims_to_be_picture(const fs::path& path) {
  for (const char* known : {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}) {
    if (lower_extension(path) == known) return true;
  }
  try {
    return image::sniff(read_file(path, 16)).has_value();
  } catch (const Error&) {
    return true;  // whoever reads it says why it cannot
  }
}

}  // namespace

std::string lower_extension(const fs::path& path) {
  std::string text = path.extension().string();
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Walk::Walk(const std::vector<std::string>& paths) : todo_{{paths.rbegin(), paths.rend()}} {
  for (const std::string& path : paths) {
    std::error_code unreadable;
    TESSERA_CHECK(fs::exists(path, unreadable), "{}: there is no such file or folder", path);
  }
}

std::optional<fs::path> Walk::next() {
  while (!todo_.empty()) {
    if (todo_.back().empty()) {
      todo_.pop_back();
      TESSERA_CHECK(todo_.size() != 1 || found_ > 0, "{}: there are no pictures in this folder", argument_.string());
      continue;
    }
    const bool is_argument = todo_.size() == 1;
    const fs::path path = std::move(todo_.back().back());
    todo_.back().pop_back();
    if (fs::is_directory(path)) {
      if (is_argument) {
        argument_ = path;
        found_ = 0;
      }
      open(path);
    } else if (is_argument) {
      return path;
    } else if (claims_to_be_picture(path)) {
      ++found_;
      return path;
    } else {
      ++strays_;
    }
  }
  return std::nullopt;
}

void Walk::open(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() || (entry.is_directory() && !entry.is_symlink())) entries.push_back(entry.path());
  }
  std::sort(entries.rbegin(), entries.rend());
  todo_.push_back(std::move(entries));
}

}  // namespace tessera::cli
