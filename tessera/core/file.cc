#include "tessera/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "tessera/core/error.h"

namespace tessera {
namespace {

namespace fs = std::filesystem;

// What a user can do about a failed system call on a file.
const char* advice(int error, bool writing) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return writing ? "; create its folder first" : "; check the path";
    case EACCES:
    case EPERM:
      return "; check its permissions";
    case EROFS:
      return "; choose a folder that can be written to";
    case ENOSPC:
    case EDQUOT:
      return "; free some space or choose another disk (what was there before is unchanged)";
    case EFBIG:
      return "; raise the limit of file sizes (ulimit -f) or choose another disk (what was there before is unchanged)";
    case EISDIR:
      return "; give the path of a file";
    default:
      return "";
  }
}

enum class Access { read, write };

[[noreturn]] void fail_to(Access access, const fs::path& path, int error) {
  const bool writing = access == Access::write;
  fail("cannot {} {}: {}{}", writing ? "write" : "read", path.string(), std::generic_category().message(error),
       advice(error, writing));
}

// An open file or folder. Its errors speak of `shown`, the path that the caller gave.
class OpenFile {
 public:
  OpenFile(const fs::path& path, int flags, Access access, fs::path shown) : access_(access), shown_(std::move(shown)) {
    do fd_ = open(path.c_str(), flags | O_CLOEXEC, 0666);
    while (fd_ < 0 && errno == EINTR);
    check(fd_ >= 0);
  }
  ~OpenFile() { close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  struct stat status() const {
    struct stat result;
    check(fstat(fd_, &result) == 0);
    if (S_ISDIR(result.st_mode)) fail_to(access_, shown_, EISDIR);
    return result;
  }

  // The number of bytes read; 0 at the end.
  size_t read(std::span<char> buffer) const {
    ssize_t n;
    do n = ::read(fd_, buffer.data(), buffer.size());
    while (n < 0 && errno == EINTR);
    check(n >= 0);
    return static_cast<size_t>(n);
  }

  void write(std::span<const std::byte> bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      check(n >= 0);
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
  }

  // Some file systems cannot sync a folder and say EINVAL.
  void sync() const { check(fsync(fd_) == 0 || errno == EINVAL); }

  std::span<const std::byte> map() const {
    const auto size = static_cast<size_t>(status().st_size);
    if (size == 0) return {};  // the system refuses an empty mapping
    void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd_, 0);
    check(data != MAP_FAILED);
    return {static_cast<const std::byte*>(data), size};
  }

 private:
  void check(bool good) const {
    if (!good) fail_to(access_, shown_, errno);
  }

  int fd_ = -1;
  Access access_;
  fs::path shown_;
};

// Bytes: std::vector<std::byte> or std::string. The size that the system tells is a hint: pipes and /proc tell none.
// One byte more than it finds the end without growing.
template <class Bytes>
Bytes read_up_to(const fs::path& path, uint64_t limit) {
  const OpenFile file(path, O_RDONLY, Access::read, path);
  Bytes bytes;
  bytes.resize(std::min<uint64_t>(limit, static_cast<uint64_t>(file.status().st_size) + 1));
  size_t filled = 0;
  while (filled < limit) {
    if (filled == bytes.size()) bytes.resize(std::min<uint64_t>(limit, std::max<size_t>(2 * filled, 1 << 16)));
    const size_t n = file.read({reinterpret_cast<char*>(bytes.data()) + filled, bytes.size() - filled});
    if (n == 0) break;
    filled += n;
  }
  bytes.resize(filled);
  return bytes;
}

// Removes PATH.part unless it was renamed.
class Part {
 public:
  explicit Part(const fs::path& target) : path_(target) { path_ += ".part"; }
  ~Part() {
    if (!renamed_) unlink(path_.c_str());
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  const fs::path& path() const { return path_; }
  bool rename_to(const fs::path& target) { return renamed_ = rename(path_.c_str(), target.c_str()) == 0; }

 private:
  fs::path path_;
  bool renamed_ = false;
};

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, uint64_t limit) {
  return read_up_to<std::vector<std::byte>>(path, limit);
}

std::string read_text(const fs::path& path) {
  return read_up_to<std::string>(path, std::numeric_limits<uint64_t>::max());
}

void write_atomically(const fs::path& path, const std::function<void(const ByteSink&)>& writer) {
  std::error_code unknown;  // then opening fails below and says why
  const fs::file_status status = fs::status(path, unknown);
  if (fs::is_directory(status)) fail_to(Access::write, path, EISDIR);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    const OpenFile device(path, O_WRONLY, Access::write, path);
    return writer([&](std::span<const std::byte> bytes) { device.write(bytes); });
  }

  const fs::path target = fs::exists(status) ? fs::canonical(path) : path;
  Part part(target);
  {
    const OpenFile file(part.path(), O_WRONLY | O_CREAT | O_TRUNC, Access::write, path);
    writer([&](std::span<const std::byte> bytes) { file.write(bytes); });
    file.sync();
  }
  if (!part.rename_to(target)) fail_to(Access::write, path, errno);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  OpenFile(folder, O_RDONLY | O_DIRECTORY, Access::write, path).sync();
}

void write_atomically(const fs::path& path, std::span<const std::byte> bytes) {
  write_atomically(path, [&](const ByteSink& write) { write(bytes); });
}

void write_atomically(const fs::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text)));
}

MappedFile::MappedFile(const fs::path& path) {
  const OpenFile file(path, O_RDONLY | O_NONBLOCK, Access::read, path);  // opening a pipe does not wait for its writer
  TESSERA_CHECK(S_ISREG(file.status().st_mode), "cannot read {}: it is a pipe or a device; give the path of a file",
                path.string());
  bytes_ = file.map();
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void forget_mapped(std::span<const std::byte> bytes) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace tessera
