#include "tessera/formats/array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "tessera/formats/tensor.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

using test::error_of;

// Elements given by their bits.
template <class Bits>
Array array_of_bits(FileType type, std::vector<Bits> bits) {
  const auto owner = std::make_shared<const std::vector<Bits>>(std::move(bits));
  return {type, {static_cast<int64_t>(owner->size())}, std::as_bytes(std::span(*owner)), owner};
}

TEST(Array, EveryTypeHasANameAndASize) {
  int count = 0;
  for (const char* name : {"BOOL", "U8", "I8", "U16", "I16", "F16", "BF16", "U32", "I32", "F32", "U64", "I64", "F64"}) {
    ASSERT_TRUE(file_type(name).has_value()) << name;
    EXPECT_STREQ(name_of(*file_type(name)), name);
    EXPECT_EQ(static_cast<int>(*file_type(name)), count++);
  }
  EXPECT_EQ(size_of(FileType::BOOL), 1u);
  EXPECT_EQ(size_of(FileType::BF16), 2u);
  EXPECT_EQ(size_of(FileType::U32), 4u);
  EXPECT_EQ(size_of(FileType::F64), 8u);
  EXPECT_FALSE(file_type("F8_E4M3").has_value());
  EXPECT_FALSE(file_type("f32").has_value());
}

TEST(Array, ByteCountSeesOverflow) {
  EXPECT_EQ(byte_count(FileType::F32, {2, 3}), 24u);
  EXPECT_EQ(byte_count(FileType::F64, {}), 8u);
  EXPECT_EQ(byte_count(FileType::F32, {0, 3}), 0u);
  EXPECT_EQ(byte_count(FileType::U8, {1ll << 62}), 1ull << 62);
  EXPECT_EQ(byte_count(FileType::U16, {1ll << 62}), std::nullopt);
  EXPECT_EQ(byte_count(FileType::F32, {1ll << 32, 1ll << 32}), std::nullopt);
  EXPECT_EQ(byte_count(FileType::F32, {-2, -3}), std::nullopt);
  EXPECT_EQ(byte_count(FileType::F32, {0, 1ll << 62, 1ll << 62}), std::nullopt) << "a later product would overflow";
}

// All 65,536 values of the two 16-bit types, against their definition.
TEST(Array, HalfAndBrainFloatsAreExact) {
  std::vector<uint16_t> bits(65'536);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  const auto half = to_f32(array_of_bits(FileType::F16, bits)), brain = to_f32(array_of_bits(FileType::BF16, bits));
  const auto half64 = to_f64(array_of_bits(FileType::F16, bits));
  const auto check = [](float value, uint16_t b, int exponent_bits, int mantissa_bits) {
    const int exponent = (b >> mantissa_bits) & ((1 << exponent_bits) - 1), bias = (1 << (exponent_bits - 1)) - 1;
    const int mantissa = b & ((1 << mantissa_bits) - 1);
    ASSERT_EQ(std::signbit(value), (b >> 15) == 1) << b;
    if (exponent == (1 << exponent_bits) - 1) {
      ASSERT_EQ(std::isinf(value), mantissa == 0) << b;
      ASSERT_EQ(std::isnan(value), mantissa != 0) << b;
    } else {
      const double significand = (exponent == 0 ? 0.0 : 1.0) + std::ldexp(mantissa, -mantissa_bits);
      ASSERT_EQ(std::fabs(value), std::ldexp(significand, (exponent == 0 ? 1 : exponent) - bias)) << b;
    }
  };
  for (size_t i = 0; i < bits.size(); ++i) {
    check(half[i], bits[i], 5, 10);
    check(brain[i], bits[i], 8, 7);
    ASSERT_TRUE(half64[i] == half[i] || std::isnan(half[i]));
  }
}

TEST(Array, ConvertsFromUnalignedBytes) {
  std::vector<std::byte> bytes(1 + 3 * sizeof(double));
  const double values[] = {0.1, -1e300, 3};
  std::memcpy(bytes.data() + 1, values, sizeof values);
  const Array array{FileType::F64, {3}, std::span(bytes).subspan(1), nullptr};
  EXPECT_EQ(to_f64(array), (std::vector<double>{0.1, -1e300, 3}));
  EXPECT_EQ(to_f32(array), (std::vector<float>{0.1f, -std::numeric_limits<float>::infinity(), 3}));
}

TEST(Array, IntegersComeFromIntegersOnly) {
  EXPECT_EQ(to_i64(array_of(std::vector<uint8_t>{0, 255}, {2})), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(to_i64(array_of_bits<int8_t>(FileType::I8, {-128, 127})), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(to_i64(array_of_bits<uint8_t>(FileType::BOOL, {0, 1, 7})), (std::vector<int64_t>{0, 1, 1}));
  EXPECT_EQ(to_f32(array_of_bits<uint8_t>(FileType::BOOL, {0, 1, 7})), (std::vector<float>{0, 1, 1}));
  EXPECT_EQ(to_f32(array_of_bits<uint16_t>(FileType::U16, {65'535})), (std::vector<float>{65'535}));
  EXPECT_EQ(error_of([] { to_i64(array_of(std::vector<float>{1}, {1})); }),
            "integers are wanted, but the array holds F32");
  EXPECT_EQ(error_of([] {
              to_i64(array_of_bits<uint64_t>(FileType::U64, {1, 1ull << 63}));
            }),
            "element 1 is 9223372036854775808, more than a 64-bit signed integer holds");
}

TEST(Array, TheOwnerKeepsTheBytes) {
  Array copy;
  {
    const Array array = array_of(std::vector<float>{1, 2}, {2});
    copy = array;
  }
  EXPECT_EQ(to_f32(copy), (std::vector<float>{1, 2}));
}

TEST(Array, IsFoundByName) {
  const NamedArrays arrays = {{"b", array_of(std::vector<float>{1}, {1})}, {"a", array_of(std::vector<float>{2}, {1})}};
  ASSERT_NE(find(arrays, "a"), nullptr);
  EXPECT_EQ(to_f32(at(arrays, "a")), (std::vector<float>{2}));
  EXPECT_EQ(find(arrays, "c"), nullptr);
  EXPECT_EQ(error_of([&] { at(arrays, "c"); }), "there is no array \"c\" among the 2 of the file");
}

TEST(Array, NamesAreShownOnOneLine) {
  EXPECT_EQ(in_quotes(std::string_view("a\0b\n", 4)), R"("a\x00b\n")");
  EXPECT_EQ(in_quotes("\xff"), R"("\xff")");
  EXPECT_LT(in_quotes(std::string(100'000, 'x')).size(), 200u);
}

TEST(Array, BecomesATensorAndComesFromOne) {
  const Tensor tensor = to_tensor(array_of(std::vector<int32_t>{1, 2, 3, 4, 5, 6}, {2, 3}));
  EXPECT_EQ(tensor.shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor.span()[5], 6.0f);
  const Array array = array_of(tensor);
  EXPECT_EQ(array.type, FileType::F32);
  EXPECT_EQ(array.shape, (Shape{2, 3}));
  EXPECT_EQ(static_cast<const void*>(array.bytes.data()), tensor.raw()) << "no copy";
  EXPECT_EQ(array_of(Tensor::zeros({3}, DType::bf16)).type, FileType::BF16);
}

}  // namespace
}  // namespace tessera::formats
