#include <gtest/gtest.h>

#include <fmt/core.h>
#include <set>

#include "tessera/core/error.h"
#include "tessera/data/open.h"
#include "tests/data/files.h"
#include "tests/support.h"

namespace tessera::data {
namespace {

class FolderTest : public testing::Test {
 protected:
  std::string message(const std::vector<std::string>& settings = {}) const try {
    open_data(folder_.path(), settings);
    return "no error";
  } catch (const Error& error) {
    return error.what();
  }
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  // Whether it is one line that has all these parts.
  static void expect_says(const std::string& message, const std::vector<std::string>& parts) {
    EXPECT_EQ(message.find('\n'), std::string::npos);
    for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(FolderTest, HasItsClassesAndFilesInNaturalOrder) {
  test::write_class(folder_ / "train/class 10", 12, 100);
  test::write_class(folder_ / "train/class 9", 3, 50);
  test::write_class(folder_ / "val/class 10", 2, 10);
  test::write_class(folder_ / "val/class 9/deeper", 1, 20);
  const DataSets sets = open_data(folder_.path());
  EXPECT_EQ(sets.train->class_names(), (std::vector<std::string>{"class 9", "class 10"}));
  ASSERT_EQ(sets.train->size(), 15);
  EXPECT_EQ(sets.train->label(2), 0);
  EXPECT_EQ(sets.train->label(3), 1);
  EXPECT_EQ(sets.train->name_of(14), at("train/class 10/12.png"));
  EXPECT_EQ(sets.train->get(14).picture, test::plain(5 + 11 % 3, 6, 111));
  EXPECT_EQ(sets.train->get(14).label, 1);
  ASSERT_EQ(sets.test->size(), 3);  // the only part held out
  EXPECT_EQ(sets.validation, nullptr);
  EXPECT_EQ(sets.test->name_of(0), at("val/class 9/deeper/1.png"));
  EXPECT_TRUE(sets.notes.empty());
  EXPECT_EQ(sets.what, fmt::format("class folders in {}: 15 training pictures, 3 test pictures of 2 classes",
                                   folder_.path().string()));
}

TEST_F(FolderTest, TakesValidationAndTestWhereBothAreThere) {
  for (const char* part : {"train", "val", "test"}) test::write_class(folder_ / part / "a", *part == 'v' ? 2 : 1, 0);
  const DataSets sets = open_data(folder_.path());
  EXPECT_EQ(sets.train->size(), 1);
  EXPECT_EQ(sets.validation->size(), 2);
  EXPECT_EQ(sets.test->size(), 1);
  OpenOptions evaluation;
  evaluation.train = false;
  std::filesystem::remove_all(folder_ / "train");
  EXPECT_EQ(open_data(folder_.path(), {}, evaluation).train, nullptr);
  EXPECT_EQ(message(), folder_.path().string() + ": no 'train' folder beside 'test'");
}

TEST_F(FolderTest, SplitsOneFolderByASeed) {
  test::write_class(folder_ / "a", 20, 0);
  test::write_class(folder_ / "b", 10, 100);
  test::write_class(folder_ / "c", 2, 200);
  const auto names = [&](const std::vector<std::string>& settings) {
    const DataSets sets = open_data(folder_.path(), settings);
    std::set<std::string> all, test;
    for (int64_t i = 0; i < sets.train->size(); ++i) all.insert(sets.train->name_of(i));
    for (int64_t i = 0; i < sets.test->size(); ++i) test.insert(sets.test->name_of(i));
    all.insert(test.begin(), test.end());
    EXPECT_EQ(all.size(), 32u);  // none lost, none twice
    EXPECT_EQ(sets.train->size() + sets.test->size(), 32);
    return test;
  };
  const auto test = names({});
  EXPECT_EQ(test.size(), 7u);  // 4 + 2 + at least 1
  EXPECT_EQ(names({}), test);
  EXPECT_NE(names({"split_seed=1"}), test);
  EXPECT_EQ(names({"test_fraction=0.5"}).size(), 16u);
  EXPECT_NE(message({"test_fraction=1"}).find("no training pictures are left"), std::string::npos);
  EXPECT_EQ(open_data(folder_.path(), {"test_fraction=0"}).test, nullptr);
}

TEST_F(FolderTest, PassesOverStrayFilesAndNamesThem) {
  test::write_class(folder_ / "a", 3, 0);
  test::write_class(folder_ / "b", 3, 100);
  test::write_text(folder_ / "readme.txt", "notes");
  test::write_text(folder_ / "a/.DS_Store", "x");
  test::write_text(folder_ / "a/stray.gif", "GIF89a");
  test::write_class(folder_ / "a/.thumbnails", 2, 0);
  std::filesystem::copy(folder_ / "a/1.png", folder_ / "b/picture");  // without an ending: the bytes say what it is
  const DataSets sets = open_data(folder_.path(), {"test_fraction=0"});
  EXPECT_EQ(sets.train->size(), 7);
  ASSERT_EQ(sets.notes.size(), 1u);
  EXPECT_EQ(sets.notes[0], fmt::format("passed over 3 files that are not JPEG, PNG, WebP, BMP or TIFF: {}, {}, {}",
                                       at("a/.DS_Store"), at("a/stray.gif"), at("readme.txt")));
}

TEST_F(FolderTest, LeavesOutAFewCorruptPicturesAndStopsAtMany) {
  test::write_class(folder_ / "a", 99, 0);
  test::write_class(folder_ / "b", 100, 100);
  test::write_text(folder_ / "a/text.jpg", "this is no picture");
  for (const char* check : {"check=full", "check=header"}) {
    const DataSets sets = open_data(folder_.path(), {"test_fraction=0", check});
    EXPECT_EQ(sets.train->size(), 199);
    ASSERT_EQ(sets.notes.size(), 1u) << check;
    expect_says(sets.notes[0], {"1 of 200 pictures corrupt", at("a/text.jpg"), "left out"});
  }
  // Two more, which only decoding finds: 3 of 200 are more than 1 %.
  for (const char* name : {"b/7.png", "b/8.png"}) {
    const auto bytes = read_file(folder_ / name);
    write_atomically(folder_ / name, std::span(bytes).first(bytes.size() - 30));
  }
  EXPECT_EQ(message({"test_fraction=0", "check=header"}), "no error");
  expect_says(message({"test_fraction=0"}), {folder_.path().string() + ": 3 of 200 pictures corrupt", at("a/text.jpg"),
                                             at("b/7.png"), at("b/8.png")});
}

TEST_F(FolderTest, StopsAtClassesThatAreEmptyOrOnOneSideOnly) {
  test::write_class(folder_ / "train/a", 1, 0);
  test::write_class(folder_ / "train/b", 1, 0);
  test::write_class(folder_ / "test/a", 1, 0);
  EXPECT_EQ(message(),
            at("test") + ": no class b, which " + at("train") + " has; both sides need the same class folders");
  std::filesystem::create_directories(folder_ / "test/b");
  EXPECT_EQ(message(), at("test") + ": no picture in the class folder b; add some or remove the folder");
  test::write_class(folder_ / "test/b", 1, 0);
  test::write_class(folder_ / "test/c", 1, 0);
  EXPECT_EQ(message(),
            at("train") + ": no class c, which " + at("test") + " has; both sides need the same class folders");
  std::filesystem::remove_all(folder_ / "test/c");
  EXPECT_EQ(message(), "no error");
}

TEST_F(FolderTest, TellsHowFarTheCheckIs) {
  test::write_class(folder_ / "a", 30, 0);
  OpenOptions options;
  std::vector<int64_t> seen;
  options.threads = 3;
  options.progress = [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, 30);
    seen.push_back(done);
  };
  open_data(folder_.path(), {"cache=0"}, options);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 30);
}

TEST_F(FolderTest, GivesTheSamePicturesFromMemoryAndFromTheDisk) {
  test::write_class(folder_ / "a", 6, 0);
  const DataSets kept = open_data(folder_.path()), read = open_data(folder_.path(), {"cache=0"});
  for (int64_t i = 0; i < kept.train->size(); ++i) EXPECT_EQ(kept.train->get(i).picture, read.train->get(i).picture);
  std::filesystem::remove_all(folder_ / "a");
  EXPECT_EQ(kept.train->get(0).picture.width, 6);
  EXPECT_THROW(read.train->get(0), Error);
}

TEST(Folder, ReadsAntsAndBees) {
  const auto path = test::data_path("hymenoptera");
  if (!path) GTEST_SKIP() << "TESSERA_DATA has no hymenoptera";
  const DataSets sets = open_data(path->string());
  EXPECT_EQ(sets.train->size(), 245 - 1);
  EXPECT_EQ(sets.test->size(), 153);
  EXPECT_EQ(sets.train->class_names(), (std::vector<std::string>{"ants", "bees"}));
  ASSERT_EQ(sets.notes.size(), 1u);
  EXPECT_NE(sets.notes[0].find("imageNotFound.gif"), std::string::npos) << sets.notes[0];
}

}  // namespace
}  // namespace tessera::data
