#include "tessera/formats/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/sniff.h"

namespace tessera::formats {
namespace {

// Fortran order (the first axis is contiguous) to C order. An odometer over the C index carries the Fortran offset
// along.
void transpose(const NpyHeader& header, std::span<const std::byte> in, std::span<std::byte> out) {
  const size_t size = size_of(header.type);
  const int rank = header.shape.rank();
  std::vector<int64_t> stride(rank), index(rank, 0);
  int64_t count = 1;
  for (int axis = 0; axis < rank; ++axis) {
    stride[axis] = count;
    count *= header.shape[axis];
  }
  int64_t from = 0;
  for (size_t to = 0; to < out.size(); to += size) {
    std::memcpy(out.data() + to, in.data() + static_cast<size_t>(from) * size, size);
    for (int axis = rank - 1; axis >= 0; --axis) {
      from += stride[axis];
      if (++index[axis] < header.shape[axis]) break;
      from -= stride[axis] * header.shape[axis];
      index[axis] = 0;
    }
  }
}

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

Array npy_array(const NpyHeader& header, std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  const auto data = bytes.subspan(header.data_begin);
  if (!header.big_endian && (!header.fortran_order || header.shape.rank() < 2))
    return {header.type, header.shape, data, std::move(owner)};
  std::vector<std::byte> copy(data.begin(), data.end());
  if (header.fortran_order) transpose(header, data, copy);
  if (header.big_endian) swap_bytes(copy, size_of(header.type));
  const auto copied = std::make_shared<const std::vector<std::byte>>(std::move(copy));
  return {header.type, header.shape, *copied, copied};
}

Array read_npy(const std::filesystem::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const auto bytes = file->bytes();
  expect_kind(path, bytes, FileKind::npy);
  const auto head = bytes.first(std::min(bytes.size(), kMaxNpyHeader));
  return npy_array(parse_npy_header(head, bytes.size(), path.string()), bytes, file);
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  const char* descr = descr_of(array.type);
  TESSERA_CHECK(descr, "cannot write {}: npy has no type for {}; convert it to F32", path.string(),
                name_of(array.type));
  TESSERA_CHECK(byte_count(array.type, array.shape) == array.bytes.size(),
                "cannot write {}: shape {} and type {}, but {} bytes", path.string(), to_string(array.shape),
                name_of(array.type), array.bytes.size());
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(array.shape.extents(), ", "), array.shape.rank() == 1 ? "," : "");
  // Magic, version and length take 10 bytes; the format wants the data at a multiple of 64 and a newline before it.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  header.insert(0, std::string("\x93NUMPY\x01\x00", 8) + std::string(reinterpret_cast<const char*>(&length), 2));
  write_atomically(path, [&](const ByteSink& write) {
    write(std::as_bytes(std::span(header)));
    write(array.bytes);
  });
}

}  // namespace tessera::formats
