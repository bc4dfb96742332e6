// What the fuzz targets share. Each tests/fuzz/NAME.cc is one program, fuzz_NAME: docs/files.md says how to run it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "tessera/core/error.h"
#include "tessera/formats/array.h"

namespace tessera::fuzz {

// A file that exists in memory only and always has the same path. It holds one input at a time: what was mapped of the
// last one must be gone.
inline std::filesystem::path as_file(std::span<const uint8_t> bytes) {
  static const int file = memfd_create("fuzz", 0);
  if (ftruncate(file, 0) != 0 || pwrite(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    std::abort();
  return "/proc/self/fd/" + std::to_string(file);
}

// Touches every byte that a reader claims to have, as numbers.
inline void use(const formats::NamedArrays& arrays) {
  for (const auto& [name, array] : arrays) {
    if (formats::byte_count(array.type, array.shape) != array.bytes.size()) std::abort();
    formats::to_f32(array);
  }
}

// An Error of one line is the right answer to a broken input; whatever else happens is a finding.
template <class Call>
int attempt(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    if (std::string(error.what()).find('\n') != std::string::npos) std::abort();
  }
  return 0;
}

}  // namespace tessera::fuzz
