#include "tessera/report/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tessera/core/error.h"

namespace tessera::report {

AppendFile::AppendFile(const std::filesystem::path& path, size_t keep) : path_(path), size_(keep) {
  file_ = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const bool cut = file_ >= 0 && ftruncate(file_, static_cast<off_t>(keep)) == 0;
  if (cut) return;
  const int reason = errno;
  if (file_ >= 0) close(file_);
  fail("cannot write the log '{}': {}", path.string(), std::strerror(reason));
}

AppendFile::AppendFile(AppendFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(other.size_) {}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(size_, other.size_);
  return *this;
}

AppendFile::~AppendFile() {
  if (file_ >= 0) close(file_);
}

void AppendFile::append(std::string_view record) {
  for (size_t done = 0; done < record.size();) {
    const ssize_t written = write(file_, record.data() + done, record.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno != EINTR) {
      const int reason = errno;
      [[maybe_unused]] const int cut = ftruncate(file_, static_cast<off_t>(size_));
      fail("cannot write the log '{}': {}", path_.string(), std::strerror(reason));
    }
  }
  size_ += record.size();
}

}  // namespace tessera::report
