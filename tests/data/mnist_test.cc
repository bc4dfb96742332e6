#include <gtest/gtest.h>

#include "tessera/core/error.h"
#include "tessera/data/open.h"
#include "tests/data/files.h"
#include "tests/support.h"

namespace tessera::data {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes images(uint8_t count, uint8_t height, uint8_t width, uint8_t first) {
  Bytes bytes = {0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, height, 0, 0, 0, width};
  for (int i = 0; i < count * height * width; ++i) bytes.push_back(static_cast<uint8_t>(first + i));
  return bytes;
}

Bytes labels(const Bytes& values) {
  Bytes bytes = {0, 0, 8, 1, 0, 0, 0, static_cast<uint8_t>(values.size())};
  for (const uint8_t value : values) bytes.push_back(value);
  return bytes;
}

class MnistFiles : public testing::Test {
 protected:
  MnistFiles() {
    test::write_bytes(folder_ / "train-images-idx3-ubyte", images(3, 4, 5, 10));
    test::write_gzip(folder_ / "train-labels-idx1-ubyte.gz", labels({2, 0, 1}));
    test::write_gzip(folder_ / "t10k-images-idx3-ubyte.gz", images(2, 4, 5, 100));
    test::write_bytes(folder_ / "t10k-labels.idx1-ubyte", labels({1, 2}));
  }
  std::string message() const try {
    open_data(folder_.path());
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }

  test::TemporaryFolder folder_;
};

TEST_F(MnistFiles, AreReadGzippedOrNot) {
  const DataSets sets = open_data(folder_.path());
  ASSERT_EQ(sets.train->size(), 3);
  EXPECT_EQ(sets.test->size(), 2);
  EXPECT_EQ(sets.train->class_names(), (std::vector<std::string>{"0", "1", "2"}));
  const Sample sample = sets.train->get(1);
  EXPECT_EQ(sample.label, 0);
  EXPECT_EQ(sample.picture.height, 4);
  EXPECT_EQ(sample.picture.width, 5);
  EXPECT_EQ(sample.picture.channels, 1);
  EXPECT_EQ(sample.picture.at(2, 3, 0), 10 + 20 + 13);
  EXPECT_EQ(sets.test->describe(), "2 pictures of 3 classes, 4 x 5 gray");
}

TEST_F(MnistFiles, AreRefusedWhenCutOff) {
  Bytes cut = images(3, 4, 5, 10);
  cut.pop_back();
  test::write_bytes(folder_ / "train-images-idx3-ubyte", cut);
  EXPECT_EQ(message(),
            at("train-images-idx3-ubyte") + ": cut off or corrupt (it ends too early); fetch the file again");
  test::write_bytes(folder_ / "train-images-idx3-ubyte", {0, 0, 8});
  EXPECT_NE(message().find("cut off"), std::string::npos);
}

TEST_F(MnistFiles, AreRefusedWhenAGzipIsCutOffOrDamaged) {
  const auto path = folder_ / "t10k-images-idx3-ubyte.gz";
  const auto whole = read_file(path);
  write_atomically(path, std::span(whole).first(whole.size() - 12));
  EXPECT_NE(message().find("cut off or corrupt"), std::string::npos) << message();
  auto damaged = whole;
  damaged[damaged.size() - 7] ^= std::byte{1};  // in the checksum
  write_atomically(path, std::span<const std::byte>(damaged));
  EXPECT_NE(message().find(path.string()), std::string::npos) << message();
}

TEST_F(MnistFiles, AreRefusedWhenTheyDoNotFitTogether) {
  test::write_gzip(folder_ / "train-labels-idx1-ubyte.gz", labels({2, 0}));
  EXPECT_EQ(message(), at("train-labels-idx1-ubyte.gz") + ": 2 labels for the 3 pictures of train-images-idx3-ubyte");
  test::write_gzip(folder_ / "train-labels-idx1-ubyte.gz", labels({1, 0, 1}));
  EXPECT_NE(message().find("the test part has the label 2, the training part has labels up to 1"), std::string::npos);
  test::write_gzip(folder_ / "train-labels-idx1-ubyte.gz", images(3, 1, 1, 0));
  EXPECT_NE(message().find("not an idx file of labels: it begins with 0x803, not 0x801"), std::string::npos);
  std::filesystem::remove(folder_ / "train-labels-idx1-ubyte.gz");
  EXPECT_EQ(message(), folder_.path().string() + ": train-labels-idx1-ubyte is missing (with .gz or without)");
}

TEST(Mnist, ReadsTheRealOne) {
  const auto path = test::data_path("mnist");
  if (!path) GTEST_SKIP() << "TESSERA_DATA has no mnist";
  const DataSets sets = open_data(path->string());
  EXPECT_EQ(sets.train->size(), 60000);
  EXPECT_EQ(sets.test->size(), 10000);
  EXPECT_EQ(class_counts(*sets.test), (std::vector<int64_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}));
  EXPECT_EQ(sets.test->label(0), 7);
}

}  // namespace
}  // namespace tessera::data
