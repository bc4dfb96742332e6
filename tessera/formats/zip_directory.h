// The central directory of a zip archive, for zip.cc.
#pragma once

#include "tessera/formats/zip.h"

namespace tessera::formats {

// `bytes`: the whole archive. Throws an Error that names `path` where the directory is not sound.
std::vector<ZipMember> parse_zip_directory(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace tessera::formats
