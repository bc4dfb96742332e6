// Arrays as files hold them: any element type, little-endian, row-major, perhaps unaligned, often inside a mapped file.
//
// Readers (open.h, safetensors.h, pytorch.h, npy.h, npz.h) make them, writers take them, to_f32 and its kin turn them
// into numbers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/shape.h"

namespace tessera::formats {

static_assert(std::endian::native == std::endian::little, "files are little-endian and are read without swapping");

// Element types under safetensors' names. BOOL is one byte, 0 or 1.
enum class FileType : uint8_t { BOOL, U8, I8, U16, I16, F16, BF16, U32, I32, F32, U64, I64, F64 };

size_t size_of(FileType type);
const char* name_of(FileType type);
std::optional<FileType> file_type(std::string_view name);

template <class T>
constexpr FileType file_type_of() {
  if constexpr (std::is_same_v<T, float>) return FileType::F32;
  if constexpr (std::is_same_v<T, double>) return FileType::F64;
  if constexpr (std::is_same_v<T, uint8_t>) return FileType::U8;
  if constexpr (std::is_same_v<T, int8_t>) return FileType::I8;
  if constexpr (std::is_same_v<T, int32_t>) return FileType::I32;
  if constexpr (std::is_same_v<T, int64_t>) return FileType::I64;
}

// The bytes of such an array, or nothing where the product of its extents (those of 0 left out) passes 63 bits or one
// is negative: a shape that passes may be multiplied without further checks.
std::optional<uint64_t> byte_count(FileType type, const Shape& shape);

// More axes than any tensor has; a file that claims them is damaged.
inline constexpr int kMaxRank = 32;

// Bytes of a file and what keeps them alive: a mapping or a buffer; none where the caller does.
struct HeldBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  bool mapped = false;  // they lie in a mapped file

  // Once they have been used up: their pages of a mapped file take no memory until they are touched again.
  void forget() const;
};

struct Array {
  FileType type = FileType::F32;
  Shape shape;
  std::span<const std::byte> bytes;   // exactly byte_count(type, shape)
  std::shared_ptr<const void> owner;  // as in HeldBytes
  bool mapped = false;
};

// An array that looks at the caller's values, for writing them without a copy.
template <class T>
Array view_of(std::span<const T> values, Shape shape) {
  return {file_type_of<T>(), std::move(shape), std::as_bytes(values), nullptr};
}

// An array that owns its values.
template <class T>
Array array_of(std::vector<T> values, Shape shape) {
  const auto owner = std::make_shared<const std::vector<T>>(std::move(values));
  return {file_type_of<T>(), std::move(shape), std::as_bytes(std::span(*owner)), owner};
}

// The elements in row-major order. To floating point from any type, rounded to nearest; to integers from integers and
// BOOL only (a floating-point array is an Error, as is a U64 beyond int64).
std::vector<float> to_f32(const Array& array);
std::vector<double> to_f64(const Array& array);
std::vector<int64_t> to_i64(const Array& array);

// to_f32 into place. The pages of a mapped array are forgotten (HeldBytes): each value is in memory once. `out` has as
// many elements as the array.
void copy_to_f32(const Array& array, std::span<float> out);

// In the order of the file.
using NamedArrays = std::vector<std::pair<std::string, Array>>;

// Texts that stand in a file beside its arrays.
using Metadata = std::map<std::string, std::string>;

// The first array of that name, or null.
const Array* find(const NamedArrays& arrays, std::string_view name);
// The same; an Error names what is missing.
const Array& at(const NamedArrays& arrays, std::string_view name);

// A name out of a file as an error message can show it: in quotes, on one line, control characters escaped, cut when
// long.
std::string in_quotes(std::string_view name);

}  // namespace tessera::formats
