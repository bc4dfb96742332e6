// npz: a zip archive of npy files. https://numpy.org/doc/stable/reference/generated/numpy.savez.html
#pragma once

#include <filesystem>

#include "tessera/formats/array.h"
#include "tessera/formats/zip.h"

namespace tessera::formats {

// The arrays in the archive's order, their names without ".npy". Stored ones are views of the mapped file. Everything
// in the archive must be an npy array of numbers; errors name the file and the array.
NamedArrays read_npz(const std::filesystem::path& path);
NamedArrays read_npz(const ZipFile& zip);

// Replaces `path` atomically (core/file.h), as numpy.savez would: members stored, "NAME.npy".
void write_npz(const std::filesystem::path& path, const NamedArrays& arrays);

}  // namespace tessera::formats
