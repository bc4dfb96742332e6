// Element types of tensors and of files.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera {

enum class DType : uint8_t { f32, bf16, s8, u8, s32, i64 };

constexpr size_t size_of(DType t) {
  switch (t) {
    case DType::f32:
    case DType::s32:
      return 4;
    case DType::bf16:
      return 2;
    case DType::s8:
    case DType::u8:
      return 1;
    case DType::i64:
      return 8;
  }
  return 0;
}

constexpr const char* name_of(DType t) {
  constexpr const char* kNames[] = {"f32", "bf16", "s8", "u8", "s32", "i64"};
  return kNames[static_cast<int>(t)];
}

// The upper half of an f32; arithmetic happens in f32.
struct bf16 {
  uint16_t bits = 0;
};

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<bf16> {
  static constexpr DType value = DType::bf16;
};
template <>
struct DTypeOf<int8_t> {
  static constexpr DType value = DType::s8;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType value = DType::s32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType value = DType::i64;
};

}  // namespace tessera
