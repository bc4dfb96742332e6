#include "tessera/formats/array.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "tessera/core/error.h"
#include "tessera/core/file.h"

namespace tessera::formats {
namespace {

struct TypeRow {
  const char* name;
  size_t size;
};

// In the order of the enumerators.
constexpr std::array<TypeRow, 13> kTypes = {{{"BOOL", 1},
                                             {"U8", 1},
                                             {"I8", 1},
                                             {"U16", 2},
                                             {"I16", 2},
                                             {"F16", 2},
                                             {"BF16", 2},
                                             {"U32", 4},
                                             {"I32", 4},
                                             {"F32", 4},
                                             {"U64", 8},
                                             {"I64", 8},
                                             {"F64", 8}}};

struct Bool {
  uint8_t byte;
  template <class T>
  explicit operator T() const {
    return byte != 0 ? T{1} : T{0};
  }
};

struct BFloat16 {
  uint16_t bits;
  explicit operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
  explicit operator double() const { return static_cast<float>(*this); }
};

struct Half {
  uint16_t bits;
  explicit operator float() const {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
    const uint32_t exponent = (bits >> 10) & 31;
    const uint32_t mantissa = bits & 1023;
    if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact in float
      const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
      return sign ? -magnitude : magnitude;
    }
    const uint32_t wide_exponent = exponent == 31 ? 255 : exponent + (127 - 15);
    return std::bit_cast<float>(sign | (wide_exponent << 23) | (mantissa << 13));
  }
  explicit operator double() const { return static_cast<float>(*this); }
};

template <class Out, class In>
void convert(const Array& array, std::span<Out> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    In value;
    std::memcpy(&value, array.bytes.data() + i * sizeof(In), sizeof(In));
    if constexpr (std::is_same_v<Out, int64_t> && std::is_same_v<In, uint64_t>)
      TESSERA_CHECK(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
                    "element {} is {}, more than a 64-bit signed integer holds", i, value);
    out[i] = static_cast<Out>(value);
  }
}

template <class Out>
void convert_any(const Array& array, std::span<Out> out) {
  const auto expected = byte_count(array.type, array.shape);
  TESSERA_CHECK(expected == array.bytes.size() && out.size() * size_of(array.type) == array.bytes.size(),
                "an array of shape {} and type {} holds {} bytes, and {} elements are wanted", to_string(array.shape),
                name_of(array.type), array.bytes.size(), out.size());
  if (out.empty()) return;
  if (array.type == file_type_of<Out>()) {
    std::memcpy(out.data(), array.bytes.data(), array.bytes.size());
    return;
  }
  if constexpr (std::is_floating_point_v<Out>) {
    if (array.type == FileType::F16) return convert<Out, Half>(array, out);
    if (array.type == FileType::BF16) return convert<Out, BFloat16>(array, out);
    if (array.type == FileType::F32) return convert<Out, float>(array, out);
    if (array.type == FileType::F64) return convert<Out, double>(array, out);
  }
  switch (array.type) {
    case FileType::BOOL:
      return convert<Out, Bool>(array, out);
    case FileType::U8:
      return convert<Out, uint8_t>(array, out);
    case FileType::I8:
      return convert<Out, int8_t>(array, out);
    case FileType::U16:
      return convert<Out, uint16_t>(array, out);
    case FileType::I16:
      return convert<Out, int16_t>(array, out);
    case FileType::U32:
      return convert<Out, uint32_t>(array, out);
    case FileType::I32:
      return convert<Out, int32_t>(array, out);
    case FileType::U64:
      return convert<Out, uint64_t>(array, out);
    case FileType::I64:
      return convert<Out, int64_t>(array, out);
    default:
      fail("integers are wanted, but the array holds {}", name_of(array.type));
  }
}

template <class Out>
std::vector<Out> to_vector(const Array& array) {
  std::vector<Out> out(array.bytes.size() / size_of(array.type));
  convert_any<Out>(array, out);
  return out;
}

}  // namespace

size_t size_of(FileType type) { return kTypes[static_cast<size_t>(type)].size; }

const char* name_of(FileType type) { return kTypes[static_cast<size_t>(type)].name; }

std::optional<FileType> file_type(std::string_view name) {
  for (size_t i = 0; i < kTypes.size(); ++i)
    if (name == kTypes[i].name) return static_cast<FileType>(i);
  return std::nullopt;
}

std::optional<uint64_t> byte_count(FileType type, const Shape& shape) {
  int64_t product = static_cast<int64_t>(size_of(type));
  bool empty = false;
  for (const int64_t extent : shape.extents()) {
    if (extent < 0 || __builtin_mul_overflow(product, std::max<int64_t>(extent, 1), &product)) return std::nullopt;
    empty |= extent == 0;
  }
  return empty ? 0 : static_cast<uint64_t>(product);
}

std::vector<float> to_f32(const Array& array) { return to_vector<float>(array); }
std::vector<double> to_f64(const Array& array) { return to_vector<double>(array); }
std::vector<int64_t> to_i64(const Array& array) { return to_vector<int64_t>(array); }
void copy_to_f32(const Array& array, std::span<float> out) {
  convert_any<float>(array, out);
  HeldBytes{array.bytes, nullptr, array.mapped}.forget();
}

void HeldBytes::forget() const {
  constexpr size_t kWorthIt = 1 << 18;
  if (mapped && bytes.size() >= kWorthIt) forget_mapped(bytes);
}

const Array* find(const NamedArrays& arrays, std::string_view name) {
  const auto found = std::find_if(arrays.begin(), arrays.end(), [&](const auto& pair) { return pair.first == name; });
  return found == arrays.end() ? nullptr : &found->second;
}

const Array& at(const NamedArrays& arrays, std::string_view name) {
  const Array* found = find(arrays, name);
  TESSERA_CHECK(found, "there is no array {} among the {} of the file", in_quotes(name), arrays.size());
  return *found;
}

std::string in_quotes(std::string_view name) {
  constexpr size_t kLongest = 120;
  if (name.size() <= kLongest) return fmt::format("{:?}", name);
  return fmt::format("{:?}…", name.substr(0, kLongest));
}

}  // namespace tessera::formats
