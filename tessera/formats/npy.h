// npy: one array. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//
// Versions 1 to 3, either byte order, C or Fortran order; numbers and booleans only (objects are pickles and refused).
// Two raw bytes per element ("V2") are read as bfloat16: so it arrives, since NumPy has no name for it.
#pragma once

#include <filesystem>
#include <string>

#include "tessera/formats/array.h"

namespace tessera::formats {

// A view of the mapped file where it holds little-endian elements in C order, else a converted copy.
Array read_npy(const std::filesystem::path& path);

// Replaces `path` atomically (core/file.h): version 1.0, little-endian, C order. BF16 has no npy type and is an Error.
void write_npy(const std::filesystem::path& path, const Array& array);

// For archives of npy files (npz.h): what stands before the array's bytes. `what` names it in errors.
std::string npy_header_of(const Array& array, const std::string& what);

struct NpyHeader {
  FileType type = FileType::F32;
  bool big_endian = false;
  bool fortran_order = false;
  Shape shape;
  uint64_t data_begin = 0;  // byte of the file
};

// No header is longer than this, magic and length included.
inline constexpr size_t kMaxNpyHeader = 65'536;

// `head`: the first kMaxNpyHeader bytes of a file of `file_size` bytes, or all of it. `what` names it in errors. The
// size of the file is what the header says, or this throws.
NpyHeader parse_npy_header(std::span<const std::byte> head, uint64_t file_size, const std::string& what);

// `file`: all of its bytes.
Array npy_array(const NpyHeader& header, HeldBytes file);

}  // namespace tessera::formats
