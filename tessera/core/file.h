// Files: whole reads, read-only mappings, and writes that happen completely or not at all.
//
// Every error is one line: the path, the system's reason and what to do about it. Functions may be called from any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera {

// The first `limit` bytes of a file, or all of it.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 uint64_t limit = std::numeric_limits<uint64_t>::max());

// The same as text; its encoding is not looked at.
std::string read_text(const std::filesystem::path& path);

// Appends bytes to the file being written, unbuffered: one call, one write.
using ByteSink = std::function<void(std::span<const std::byte>)>;

// Replaces `path` by what `writer` gives to its sink. The bytes go to PATH.part beside it, which is synced and then
// renamed, so that at any moment, power cuts included, the path holds either all of the old bytes or all of the new
// ones. When anything fails (a full disk, an exception of the writer) PATH.part is removed and the old file stays. A
// symbolic link is followed; a pipe or a device is written to directly. Two writers of one path at the same time are
// not supported.
void write_atomically(const std::filesystem::path& path, const std::function<void(const ByteSink&)>& writer);
void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_atomically(const std::filesystem::path& path, std::string_view text);

// A file's bytes, mapped read-only: pages are read when they are touched. Whoever shortens the file meanwhile kills the
// process (SIGBUS); replacing it, as write_atomically does, is harmless.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// The pages that lie within `bytes` of a mapping stop taking memory until they are touched again.
void forget_mapped(std::span<const std::byte> bytes);

}  // namespace tessera
