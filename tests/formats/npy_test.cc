#include "tessera/formats/npy.h"

#include <gtest/gtest.h>

#include "tessera/core/file.h"
#include "tessera/formats/npz.h"
#include "tests/support.h"

namespace tessera::formats {
namespace {

using test::error_of;

// A version-1 file around a header and data, unpadded (only writers pad).
std::string npy(const std::string& header, const std::string& data) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() & 255) +
         static_cast<char>(header.size() >> 8) + header + data;
}

std::string data_of(const std::vector<int16_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 2};
}

class Npy : public testing::Test {
 protected:
  // Reads what a file of these bytes holds.
  Array parse(const std::string& bytes) {
    write_atomically(path_, bytes);
    return read_npy(path_);
  }
  std::string refusal(const std::string& header, const std::string& data) {
    std::string message = error_of([&] { parse(npy(header, data)); });
    const size_t at = message.find(path_.string());
    if (at != std::string::npos) message.replace(at, path_.string().size(), "FILE");
    return message;
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "a.npy";
};

TEST_F(Npy, WritesAsNumPyDoes) {
  write_npy(path_, array_of(std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3}));
  const std::string text = read_text(path_);
  EXPECT_EQ(text.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(text.substr(10, 59), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  EXPECT_EQ(text.size(), 128u + 24u);
  EXPECT_EQ(text[127], '\n');
  write_npy(path_, array_of(std::vector<int64_t>{7}, {1}));
  EXPECT_NE(read_text(path_).find("'<i8', 'fortran_order': False, 'shape': (1,), }"), std::string::npos);
  write_npy(path_, array_of(std::vector<uint8_t>{7}, {}));
  EXPECT_NE(read_text(path_).find("'|u1', 'fortran_order': False, 'shape': (), }"), std::string::npos);
}

TEST_F(Npy, WhatIsWrittenIsRead) {
  for (const Array& array :
       {array_of(std::vector<float>{1, -2, 3.5f, 4, 5, 6}, {2, 3}), array_of(std::vector<int64_t>{INT64_MIN, 7}, {2}),
        array_of(std::vector<uint8_t>{255}, {}), array_of(std::vector<double>{}, {3, 0}),
        array_of(std::vector<int32_t>{1, 2}, {1, 1, 2})}) {
    write_npy(path_, array);
    const Array read = read_npy(path_);
    EXPECT_EQ(read.type, array.type);
    EXPECT_EQ(read.shape, array.shape);
    EXPECT_EQ(to_f64(read), to_f64(array));
  }
  EXPECT_EQ(error_of([&] {
              write_npy(path_, {FileType::BF16, {0}, {}, nullptr});
            }),
            "cannot write " + path_.string() + ": npy has no type for BF16; convert it to F32");
}

TEST_F(Npy, FortranOrderBecomesCOrder) {
  // x[i][j][k] = 100 i + 10 j + k of shape (2, 3, 2), first axis fastest.
  std::vector<int16_t> stored;
  for (int k = 0; k < 2; ++k)
    for (int j = 0; j < 3; ++j)
      for (int i = 0; i < 2; ++i) stored.push_back(static_cast<int16_t>(100 * i + 10 * j + k));
  const Array array = parse(npy("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3, 2), }\n", data_of(stored)));
  EXPECT_EQ(array.shape, (Shape{2, 3, 2}));
  EXPECT_EQ(to_i64(array), (std::vector<int64_t>{0, 1, 10, 11, 20, 21, 100, 101, 110, 111, 120, 121}));
}

TEST_F(Npy, BigEndianIsSwapped) {
  const Array array =
      parse(npy("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2)}", std::string("\0\1\0\2\1\0\xff\xff", 8)));
  EXPECT_EQ(to_i64(array), (std::vector<int64_t>{1, 256, 2, -1}));
}

TEST_F(Npy, AcceptsTheSpellingsOfOtherWriters) {
  EXPECT_EQ(parse(npy("{ \"shape\":(1L,2L,) , 'descr':'|i1','fortran_order' : False}  \n", "ab")).shape, (Shape{1, 2}));
  EXPECT_EQ(parse(npy("{'descr': '|V2', 'fortran_order': False, 'shape': ()}", "\xc0\xbf")).type, FileType::BF16);
  const std::string header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}";
  for (char version : {2, 3}) {
    const std::string bytes =
        std::string("\x93NUMPY") + version + '\0' + static_cast<char>(header.size()) + std::string(3, '\0') + header;
    EXPECT_EQ(to_i64(parse(bytes + std::string("\0\1", 2))), (std::vector<int64_t>{0, 1}));
  }
}

TEST_F(Npy, RefusesWithAReason) {
  const std::string again = "; get or save it again";
  const auto header = [](const std::string& descr, const std::string& order, const std::string& shape) {
    return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + "}";
  };
  EXPECT_EQ(refusal(header("'<i2'", "False", "(2,)"), "abc"),
            "FILE is no sound npy array: shape (2) of I16 takes 4 bytes, but 3 follow the header" + again);
  EXPECT_EQ(refusal(header("'<i2'", "False", "(3)"), "abcdef").substr(0, 50),
            "FILE is no sound npy array: its header is malforme");
  EXPECT_EQ(refusal(header("'<i2'", "Falsehood", "(3,)"), "abcdef").substr(0, 50),
            "FILE is no sound npy array: its header is malforme");
  EXPECT_EQ(refusal(header("'<i2'", "0", "(3,)"), "abcdef"),
            "FILE is no sound npy array: fortran_order in its header is neither True nor False" + again);
  EXPECT_EQ(refusal("{'descr': '<i2', 'descr': '<i2'}", ""),
            "FILE is no sound npy array: its header has descr twice" + again);
  EXPECT_EQ(refusal("{'descr': '<i2', 'shape': ()}", "ab"),
            "FILE is no sound npy array: its header lacks descr, fortran_order or shape" + again);
  EXPECT_EQ(refusal(header("'<c8'", "False", "()"), "abcdefgh"),
            "FILE has dtype \"<c8\", which tessera does not read; convert it to float32 or int64");
  EXPECT_EQ(refusal(header("'|i2'", "False", "()"), "ab"),
            "FILE has dtype \"|i2\", which tessera does not read; convert it to float32 or int64");
  EXPECT_EQ(refusal(header("'<f4'", "False", "(99999999999999999999,)"), ""),
            "FILE is no sound npy array: its shape is too large" + again);
  write_atomically(path_, "PK\x03\x04 not npy");
  EXPECT_EQ(error_of([&] { read_npy(path_); }),
            path_.string() + " is a zip archive (npz or PyTorch), but an npy file is wanted here");
}

TEST_F(Npy, AFileCutAnywhereIsRefused) {
  write_npy(path_, array_of(std::vector<float>{1, 2, 3}, {3}));
  const std::string whole = read_text(path_);
  for (size_t size = 0; size < whole.size(); ++size)
    ASSERT_NE(error_of([&] { parse(whole.substr(0, size)); }), "") << size;
}

// NumPy's and JAX's own archives of one set of weights.
TEST(Npz, EveryWayToStoreGivesTheSameArrays) {
  const auto plain = read_npz(test::golden_path("origins/tiny/jax.npz"));
  ASSERT_EQ(plain.size(), 40u);
  EXPECT_EQ(plain[0].first, "embedding/kernel");
  EXPECT_EQ(plain[0].second.shape, (Shape{8, 8, 3, 24}));
  for (const char* other : {"jax_deflate", "jax_fortran", "jax_npy2", "jax_npy3"}) {
    const auto arrays = read_npz(test::golden_path(std::string("origins/tiny/") + other + ".npz"));
    ASSERT_EQ(arrays.size(), plain.size()) << other;
    for (const auto& [name, array] : plain) {
      EXPECT_EQ(at(arrays, name).shape, array.shape) << other << " " << name;
      EXPECT_EQ(to_f32(at(arrays, name)), to_f32(array)) << other << " " << name;
    }
  }
  const auto brain = read_npz(test::golden_path("origins/tiny/jax_bf16.npz"));
  for (const auto& [name, array] : plain) {
    EXPECT_EQ(at(brain, name).type, FileType::BF16);
    const auto expected = to_f32(array), got = to_f32(at(brain, name));
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(got[i], expected[i], std::abs(expected[i]) * 0x1p-8 + 1e-30) << name;
  }
}

TEST(Npz, ReadsDoublesAndIntegers) {
  const auto arrays = read_npz(test::golden_path("train/metrics.npz"));
  EXPECT_EQ(at(arrays, "plain.logits").shape, (Shape{300, 10}));
  EXPECT_EQ(to_f64(at(arrays, "plain.logits"))[1], 0.6462929248809814);
  const auto labels = to_i64(at(arrays, "plain.labels"));
  EXPECT_EQ(std::vector<int64_t>(labels.begin(), labels.begin() + 5), (std::vector<int64_t>{1, 2, 4, 2, 6}));
  EXPECT_EQ(read_npz(test::golden_path("train/optimizers.npz")).size(), 75u);
  EXPECT_EQ(read_npz(test::golden_path("train/trajectory/result.npz")).size(), 68u);
}

}  // namespace
}  // namespace tessera::formats
