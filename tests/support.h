// What tests share: where the reference data lies, and a folder to write into.
#pragma once

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

namespace tessera::test {

// What a call that must fail says; empty when it does not throw.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

// A file of the reference data beside the checkout (or in TESSERA_SHARED), or nothing where it is absent: then skip.
inline std::optional<std::filesystem::path> shared_path(const std::string& relative) {
  const char* root = std::getenv("TESSERA_SHARED");
  std::filesystem::path path = root ? root : std::filesystem::path(TESSERA_SOURCE_DIR) / ".." / "shared";
  path /= relative;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

// A file that the repository carries, below tests/golden.
inline std::filesystem::path golden_path(const std::string& relative) {
  return std::filesystem::path(TESSERA_SOURCE_DIR) / "tests" / "golden" / relative;
}

// An unpacked data set below TESSERA_DATA (see the data README), or nothing: then skip.
inline std::optional<std::filesystem::path> data_path(const std::string& relative) {
  const char* root = std::getenv("TESSERA_DATA");
  if (!root || !std::filesystem::exists(std::filesystem::path(root) / relative)) return std::nullopt;
  return std::filesystem::path(root) / relative;
}

// An empty folder of this test's own, removed at the end of the scope.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tessera-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace tessera::test
