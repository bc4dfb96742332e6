// A log on disk that grows by whole records.
#pragma once

#include <filesystem>
#include <string_view>

namespace tessera::report {

class AppendFile {
 public:
  // Opens or makes the file and cuts it to its first `keep` bytes.
  AppendFile(const std::filesystem::path& path, size_t keep);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  // Hands the record to the system at once: it survives the end of this process. When that fails (a full disk), what
  // was written of it is taken back and Error says why.
  void append(std::string_view record);

 private:
  std::filesystem::path path_;
  int file_ = -1;
  size_t size_ = 0;
};

}  // namespace tessera::report
