// zip archives as npz and PyTorch files are: members stored or deflated, ZIP64 where it is needed.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
//
// For reading untrusted files: the central directory decides (local headers only say where data begins), everything is
// checked against the file's bounds, and archives that two readers could read differently are refused: duplicate names,
// overlapping members, bytes before or after the archive, several end records. Nothing is ever extracted to disk; names
// are only names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tessera/core/file.h"
#include "tessera/formats/array.h"

namespace tessera::formats {

struct ZipMember {
  std::string name;
  bool deflated = false;
  uint32_t crc = 0;          // 0: not computed, as PyTorch may write it
  uint64_t data_begin = 0;   // byte of the file
  uint64_t packed_size = 0;  // bytes in the file
  uint64_t size = 0;         // bytes of the contents; at most 1032 times packed_size, which is all that deflate can do
};

class ZipFile {
 public:
  // Maps the file and checks all of its directory.
  explicit ZipFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::vector<ZipMember>& members() const { return members_; }
  // The member of that name, or null.
  const ZipMember* find(const std::string& name) const;

  // The first `count` bytes of a member or all of a shorter one, checksum not looked at: to see whether it is what is
  // expected before memory is spent on it.
  std::vector<std::byte> head(const ZipMember& member, size_t count) const;

  // All of a member, checksum verified: a view of the mapping when stored, a buffer of member.size bytes when deflated.
  // Pages that were only read for this take no memory. Thread-safe.
  HeldBytes read(const ZipMember& member) const;

 private:
  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> file_;
  std::vector<ZipMember> members_;
  std::unordered_map<std::string, size_t> by_name_;
};

}  // namespace tessera::formats
