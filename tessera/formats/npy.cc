#include "tessera/formats/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/sniff.h"
#include "tessera/formats/strided.h"

namespace tessera::formats {
namespace {

void swap_bytes(std::span<std::byte> bytes, size_t size) {
  for (size_t i = 0; i < bytes.size(); i += size) std::reverse(bytes.data() + i, bytes.data() + i + size);
}

// NumPy's name, or null.
const char* descr_of(FileType type) {
  switch (type) {
    case FileType::BOOL:
      return "|b1";
    case FileType::U8:
      return "|u1";
    case FileType::I8:
      return "|i1";
    case FileType::U16:
      return "<u2";
    case FileType::I16:
      return "<i2";
    case FileType::F16:
      return "<f2";
    case FileType::BF16:
      return nullptr;
    case FileType::U32:
      return "<u4";
    case FileType::I32:
      return "<i4";
    case FileType::F32:
      return "<f4";
    case FileType::U64:
      return "<u8";
    case FileType::I64:
      return "<i8";
    case FileType::F64:
      return "<f8";
  }
  return nullptr;
}

}  // namespace

Array npy_array(const NpyHeader& header, HeldBytes file) {
  const auto data = file.bytes.subspan(header.data_begin);
  const Shape& shape = header.shape;
  if (!header.big_endian && (!header.fortran_order || shape.rank() < 2))
    return {header.type, shape, data, std::move(file.owner), file.mapped};
  const auto copy = std::make_shared_for_overwrite<std::byte[]>(data.size());
  copy_strided(data.data(), size_of(header.type), shape,
               header.fortran_order ? column_major_strides(shape) : row_major_strides(shape), copy.get());
  if (header.big_endian) swap_bytes({copy.get(), data.size()}, size_of(header.type));
  file.forget();
  return {header.type, shape, {copy.get(), data.size()}, copy};
}

Array read_npy(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const auto bytes = file->bytes();
  expect_kind(path, bytes, FileKind::npy);
  const auto head = bytes.first(std::min(bytes.size(), kMaxNpyHeader));
  return npy_array(parse_npy_header(head, bytes.size(), path.string()), {bytes, file, true});
}

std::string npy_header_of(const Array& array, const std::string& what) {
  const char* descr = descr_of(array.type);
  TESSERA_CHECK(descr, "cannot write {}: npy has no type for {}; convert it to F32", what, name_of(array.type));
  TESSERA_CHECK(byte_count(array.type, array.shape) == array.bytes.size(),
                "cannot write {}: shape {} and type {}, but {} bytes", what, to_string(array.shape),
                name_of(array.type), array.bytes.size());
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(array.shape.extents(), ", "), array.shape.rank() == 1 ? "," : "");
  // Magic, version and length take 10 bytes; the format wants the data at a multiple of 64 and a newline before it.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  return header.insert(0, std::string("\x93NUMPY\x01\x00", 8) + std::string(reinterpret_cast<const char*>(&length), 2));
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  const std::string header = npy_header_of(array, path.string());
  write_atomically(path, [&](const ByteSink& write) {
    write(std::as_bytes(std::span(header)));
    write(array.bytes);
  });
}

}  // namespace tessera::formats
