#include "tessera/formats/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

using test::error_of;

// What numpy reads out of this file.
TEST(SafeTensors, ReadsEveryType) {
  const auto [arrays, metadata] = read_safetensors(test::golden_path("origins/tiny/odd_tensors.safetensors"));
  EXPECT_TRUE(metadata.empty());
  EXPECT_EQ(to_i64(at(arrays, "i64")), (std::vector<int64_t>{INT64_MIN, 0, INT64_MAX}));
  EXPECT_EQ(to_f64(at(arrays, "f64")), (std::vector<double>{0x1.921fb54442d18p+1, -0x1.7e43c8800759cp+996}));
  EXPECT_EQ(at(arrays, "empty").shape, (Shape{0, 3}));
  EXPECT_EQ(at(arrays, "empty_last").shape, (Shape{4, 0}));
  EXPECT_TRUE(to_f32(at(arrays, "empty")).empty());
  const auto special = to_f32(at(arrays, "f32_special"));
  EXPECT_TRUE(std::isnan(special[0]));
  EXPECT_EQ(special[1], INFINITY);
  EXPECT_EQ(special[2], -INFINITY);
  EXPECT_EQ(special[3], 0x1p-149f);
  EXPECT_EQ(at(arrays, "scalar").shape, Shape{});
  EXPECT_EQ(to_f32(at(arrays, "scalar")), std::vector<float>{2.5f});
  EXPECT_EQ(to_i64(at(arrays, "i32")), (std::vector<int64_t>{-7, 8}));
  EXPECT_EQ(to_i64(at(arrays, "i16")), (std::vector<int64_t>{-300, 300}));
  EXPECT_EQ(to_i64(at(arrays, "i8")), (std::vector<int64_t>{-128, 127}));
  EXPECT_EQ(to_i64(at(arrays, "u8")), (std::vector<int64_t>{0, 255}));
  EXPECT_EQ(to_i64(at(arrays, "bool")), (std::vector<int64_t>{1, 0, 0, 1}));
  EXPECT_EQ(to_f32(at(arrays, "f16")), (std::vector<float>{0x1p-23f, 65504.0f, -0.0f}));
  EXPECT_EQ(to_f32(at(arrays, "bf16"))[2], -1.5f);
}

// The lower-precision files hold the same weights, rounded.
TEST(SafeTensors, HalfPrecisionFilesAgreeWithTheFullOne) {
  const auto full = read_safetensors(test::golden_path("origins/tiny/timm.safetensors")).arrays;
  ASSERT_GT(full.size(), 20u);
  for (const auto& [file, relative] :
       {std::pair("bf16", 0x1p-8), std::pair("f16", 0x1p-11), std::pair("mixed", 0x1p-11)}) {
    const auto rounded =
        read_safetensors(test::golden_path(std::string("origins/tiny/") + file + ".safetensors")).arrays;
    EXPECT_EQ(rounded.size(), full.size());
    for (const auto& [name, array] : full) {
      const auto expected = to_f32(array), got = to_f32(at(rounded, name));
      ASSERT_EQ(at(rounded, name).shape, array.shape);
      for (size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], expected[i], std::fabs(expected[i]) * relative + 0x1p-25) << file << " " << name;
    }
  }
}

NamedArrays sample() {
  return {{"odd.bytes", array_of(std::vector<uint8_t>{1, 2, 3}, {3})},
          {"weight", array_of(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3})},
          {"none", array_of(std::vector<float>{}, {0, 3})},
          {"scalar", array_of(std::vector<int64_t>{-1}, {})},
          {"name with \"quotes\", \n and é", array_of(std::vector<double>{0.5}, {1})}};
}

TEST(SafeTensors, WhatIsWrittenIsRead) {
  const test::TemporaryFolder folder;
  const Metadata metadata = {{"architecture", "{\"depth\": 3}"}, {"format_version", "1"}};
  write_safetensors(folder / "a", sample(), metadata);
  const auto [arrays, read_metadata] = read_safetensors(folder / "a");
  EXPECT_EQ(read_metadata, metadata);
  ASSERT_EQ(arrays.size(), sample().size());
  for (size_t i = 0; i < arrays.size(); ++i) {
    EXPECT_EQ(arrays[i].first, sample()[i].first) << "the order is kept";
    EXPECT_EQ(arrays[i].second.type, sample()[i].second.type);
    EXPECT_EQ(arrays[i].second.shape, sample()[i].second.shape);
    EXPECT_EQ(to_f64(arrays[i].second), to_f64(sample()[i].second));
    const auto address = reinterpret_cast<uintptr_t>(arrays[i].second.bytes.data());
    EXPECT_EQ(address % size_of(arrays[i].second.type), 0u) << "data is aligned to its type";
  }
}

TEST(SafeTensors, TheBytesAreAFunctionOfTheContents) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a", {{"w", array_of(std::vector<uint8_t>{7}, {1})}}, {{"k", "v"}, {"j", ""}});
  std::string expected = R"({"__metadata__":{"j":"","k":"v"},"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  expected.resize((expected.size() + 7) / 8 * 8, ' ');
  expected = std::string({static_cast<char>(expected.size()), 0, 0, 0, 0, 0, 0, 0}) + expected + "\x07";
  EXPECT_EQ(read_text(folder / "a"), expected);
  write_safetensors(folder / "empty", {});
  EXPECT_EQ(read_text(folder / "empty"), std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  EXPECT_TRUE(read_safetensors(folder / "empty").arrays.empty());
}

TEST(SafeTensors, TheHeaderAloneSaysWhereTheDataLies) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a", sample(), {{"k", "v"}});
  const auto header = read_safetensors_header(folder / "a");
  const auto bytes = read_file(folder / "a");
  const auto& entry = header.entries[1];
  EXPECT_EQ(entry.name, "weight");
  EXPECT_EQ(entry.shape, (Shape{2, 3}));
  float last;
  std::memcpy(&last, bytes.data() + entry.end - 4, 4);
  EXPECT_EQ(last, 6.0f);
  EXPECT_EQ(header.metadata.at("k"), "v");
}

TEST(SafeTensors, ArraysOutliveTheFile) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a", sample());
  const Array weight = at(read_safetensors(folder / "a").arrays, "weight");
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(to_f32(weight)[5], 6.0f);
}

TEST(SafeTensors, RefusesToWriteWhatNobodyCouldRead) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "a";
  const Array one = array_of(std::vector<float>{1}, {1});
  const std::string begin = "cannot write " + path.string() + ": ";
  EXPECT_EQ(error_of([&] {
              write_safetensors(path, {{"w", one}, {"w", one}});
            }),
            begin + "\"w\" cannot be the name of a second array");
  EXPECT_EQ(error_of([&] {
              write_safetensors(path, {{"__metadata__", one}});
            }),
            begin + "\"__metadata__\" cannot be the name of an array");
  EXPECT_EQ(error_of([&] { write_safetensors(path, {{"w\xff", one}}); }), begin + "\"w\\xff\" is not UTF-8");
  EXPECT_EQ(error_of([&] {
              write_safetensors(path, {{"w", {FileType::F32, {2}, one.bytes, nullptr}}});
            }),
            begin + "array \"w\" has shape (2) and type F32, but 4 bytes");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(SafeTensors, AFileCutAnywhereIsRefused) {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "a", sample(), {{"k", "v"}});
  const std::string whole = read_text(folder / "a");
  for (size_t size = 0; size < whole.size(); ++size) {
    write_atomically(folder / "cut", std::string_view(whole).substr(0, size));
    const std::string message = error_of([&] { read_safetensors(folder / "cut"); });
    ASSERT_NE(message.find((folder / "cut").string()), std::string::npos) << size << ": " << message;
    ASSERT_EQ(message, error_of([&] { read_safetensors_header(folder / "cut"); })) << size;
  }
}

}  // namespace
}  // namespace tessera::formats
