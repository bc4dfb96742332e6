// Writing zip archives of stored members, with ZIP64 where sizes need it.
// https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tessera::formats {

struct ZipContents {
  std::string name;
  std::vector<std::span<const std::byte>> pieces;  // one behind the other
};

// Replaces `path` atomically (core/file.h). The same members give the same bytes: the time of each is 1 January 1980.
void write_zip(const std::filesystem::path& path, const std::vector<ZipContents>& members);

}  // namespace tessera::formats
