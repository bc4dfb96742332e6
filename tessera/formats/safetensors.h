// safetensors: eight bytes with the header's length, a JSON header, the arrays.
// https://github.com/huggingface/safetensors (README, "Format")
//
// Reading is strict: offsets must cover the data exactly, sizes must follow from shapes, no name may come twice, so
// that what is read is what was meant. Every error names the file and the tensor.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/formats/array.h"

namespace tessera::formats {

struct SafeTensors {
  NamedArrays arrays;  // views of the mapped file, in the header's order
  Metadata metadata;   // the header's "__metadata__"
};

SafeTensors read_safetensors(const std::filesystem::path& path);

// The header alone, as strictly checked, without mapping the data: for files larger than the address space.
struct SafeTensorsHeader {
  struct Entry {
    std::string name;
    FileType type = FileType::F32;
    Shape shape;
    uint64_t begin = 0, end = 0;  // bytes of the file
  };
  std::vector<Entry> entries;
  Metadata metadata;
};

SafeTensorsHeader read_safetensors_header(const std::filesystem::path& path);

// Replaces `path` atomically (core/file.h). The same arrays and metadata give the same bytes: the header lists the
// arrays in the order given; the data lies in order of falling element size, so that all of it is aligned to its type,
// and begins at a multiple of 8. Names must be distinct UTF-8.
void write_safetensors(const std::filesystem::path& path, const NamedArrays& arrays, const Metadata& metadata = {});

}  // namespace tessera::formats
