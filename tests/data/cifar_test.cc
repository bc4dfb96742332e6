#include "tessera/data/cifar.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"
#include "tessera/data/open.h"
#include "tests/data/files.h"
#include "tests/support.h"

namespace tessera::data {
namespace {

// Pixel (y, x, c) of record r is distinct enough that a mistaken order shows.
uint8_t value(int r, int y, int x, int c) { return static_cast<uint8_t>(97 * r + 61 * c + 7 * y + x); }

std::vector<uint8_t> records(int first, int count, const std::vector<std::vector<uint8_t>>& labels) {
  std::vector<uint8_t> bytes;
  for (int r = first; r < first + count; ++r) {
    for (const auto& label : labels) bytes.push_back(label[static_cast<size_t>(r) % label.size()]);
    for (int c = 0; c < 3; ++c) {
      for (int y = 0; y < 32; ++y) {
        for (int x = 0; x < 32; ++x) bytes.push_back(value(r, y, x, c));
      }
    }
  }
  return bytes;
}

void write_cifar10(const std::filesystem::path& folder) {
  for (int i = 0; i < 5; ++i) {
    test::write_bytes(folder / ("data_batch_" + std::to_string(i + 1) + ".bin"), records(3 * i, 3, {{0, 9, 4}}));
  }
  test::write_bytes(folder / "test_batch.bin", records(15, 2, {{1, 2, 3}}));
}

TEST(Cifar, ReadsTheTenClasses) {
  const test::TemporaryFolder folder;
  write_cifar10(folder / "cifar-10-batches-bin");
  const DataSets sets = open_data(folder.path());  // the folder above will do
  ASSERT_EQ(sets.train->size(), 15);
  EXPECT_EQ(sets.test->size(), 2);
  EXPECT_EQ(sets.train->label(7), 9);
  EXPECT_EQ(sets.train->class_names()[9], "truck");
  const Sample sample = sets.train->get(7);
  EXPECT_EQ(sample.label, 9);
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) {
      for (int c = 0; c < 3; ++c) ASSERT_EQ(sample.picture.at(y, x, c), value(7, y, x, c));
    }
  }
  EXPECT_EQ(sets.what, "CIFAR-10 in " + (folder / "cifar-10-batches-bin").string() +
                           ": 15 training and 2 test pictures of 10 classes, 32 x 32 RGB");
}

TEST(Cifar, ReadsTheHundredClassesAndTheirGroups) {
  const test::TemporaryFolder folder;
  test::write_bytes(folder / "train.bin", records(0, 4, {{19, 3}, {99, 7, 8, 6}}));
  test::write_bytes(folder / "test.bin", records(4, 2, {{0}, {1}}));
  std::string names;
  for (int i = 0; i < 100; ++i) names += "name" + std::to_string(i) + "\r\n";
  test::write_text(folder / "fine_label_names.txt", names);
  const DataSets fine = open_data(folder.path());
  EXPECT_EQ(fine.train->label(0), 99);
  EXPECT_EQ(fine.train->class_names()[99], "name99");
  EXPECT_EQ(fine.train->get(3).picture.at(1, 2, 0), value(3, 1, 2, 0));
  const DataSets coarse = open_data(folder.path(), {"labels=coarse"});
  EXPECT_EQ(coarse.train->label(0), 19);
  EXPECT_EQ(coarse.train->class_names().size(), 20u);
  EXPECT_THROW(open_data(folder.path(), {"labels=medium"}), UsageError);
}

TEST(Cifar, NamesFilesThatCannotBe) {
  const test::TemporaryFolder folder;
  write_cifar10(folder.path());
  const auto expect_error = [&](const std::string& part) {
    try {
      open_data(folder.path());
      ADD_FAILURE() << "no error about " << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  auto cut = records(0, 3, {{0}});
  cut.pop_back();
  test::write_bytes(folder / "data_batch_3.bin", cut);
  expect_error("data_batch_3.bin: 9218 bytes are not a whole number of CIFAR records of 3073 bytes");
  test::write_bytes(folder / "data_batch_3.bin", records(0, 3, {{0, 10}}));
  expect_error("data_batch_3.bin: record 1 has the label 10, but there are 10 classes");
  std::filesystem::remove(folder / "data_batch_3.bin");
  expect_error("data_batch_3.bin");
  write_cifar10(folder.path());
  test::write_text(folder / "batches.meta.txt", "one\ntwo\n");
  expect_error("batches.meta.txt: 2 class names, but CIFAR has 10");
}

TEST(Cifar, ReadsTheRealOne) {
  const auto path = test::data_path("cifar-10-batches-bin");
  if (!path) GTEST_SKIP() << "TESSERA_DATA has no cifar-10-batches-bin";
  const DataSets sets = open_data(path->string());
  EXPECT_EQ(sets.train->size(), 50000);
  EXPECT_EQ(class_counts(*sets.train), std::vector<int64_t>(10, 5000));
  EXPECT_EQ(class_counts(*sets.test), std::vector<int64_t>(10, 1000));
  EXPECT_EQ(sets.test->class_names()[static_cast<size_t>(sets.test->label(0))], "cat");  // as the official set has it
  EXPECT_EQ(sets.train->class_names()[static_cast<size_t>(sets.train->label(0))], "frog");
}

}  // namespace
}  // namespace tessera::data
