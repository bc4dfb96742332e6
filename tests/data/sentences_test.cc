#include "tessera/data/sentences.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::data {
namespace {

class SentencesFile : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& text) const {
    write_atomically(folder / "set.tsv", text);
    return folder / "set.tsv";
  }
  test::TemporaryFolder folder;
};

TEST_F(SentencesFile, HoldsAClassAndASentenceInEachLine) {
  const Sentences set = read_sentences(write("place\twhere is it\r\n\ntime\twhen\tnow\nplace\t\n"));
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"place", "time"}));
  EXPECT_EQ(set.labels, (std::vector<int64_t>{0, 1, 0}));
  EXPECT_EQ(set.texts, (std::vector<std::string>{"where is it", "when\tnow", ""}));
  EXPECT_EQ(read_sentences(folder / "set.tsv", {"time", "person", "place"}).labels, (std::vector<int64_t>{2, 0, 2}));
}

TEST_F(SentencesFile, SaysWhichLineIsWrong) {
  EXPECT_NE(test::error_of([&] { read_sentences(write("a\tb\nno tab\n")); }).find("line 2"), std::string::npos);
  EXPECT_NE(test::error_of([&] { read_sentences(write("\tb\n")); }).find("line 1"), std::string::npos);
  EXPECT_NE(test::error_of([&] { read_sentences(write("\n\n")); }).find("no sentences"), std::string::npos);
  const std::string unknown = test::error_of([&] { read_sentences(write("a\tb\nplase\tc\n"), {"a", "place"}); });
  EXPECT_NE(unknown.find("line 2"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("did you mean 'place'"), std::string::npos) << unknown;
}

Sentences numbered(int64_t count) {
  Sentences set;
  set.class_names = {"even", "odd"};
  for (int64_t i = 0; i < count; ++i) {
    set.texts.push_back(std::string("number ") + std::to_string(i) + std::string(static_cast<size_t>(i % 3), '!'));
    set.labels.push_back(i % 2);
  }
  return set;
}

TEST(SentenceBatches, HaveEverySentenceOnce) {
  const Sentences set = numbered(23);
  const auto vocabulary = text::Vocabulary::of(set.texts);
  for (const bool shuffle : {false, true}) {
    std::vector<int64_t> seen;
    const auto batches = sentence_batches(set, vocabulary, {.batch = 5, .shuffle = shuffle}, 3);
    ASSERT_EQ(batches.size(), 5u);
    for (const Batch& batch : batches) {
      ASSERT_EQ(batch.images.size(0), batch.size());
      ASSERT_EQ(batch.labels.size(0), batch.size());
      for (int64_t b = 0; b < batch.size(); ++b) {
        const int64_t index = batch.indices[static_cast<size_t>(b)];
        seen.push_back(index);
        EXPECT_EQ(batch.labels.data<int64_t>()[b], index % 2);
        EXPECT_EQ(batch.images.data<int32_t>()[b * batch.images.size(1) + 1], vocabulary.id(std::to_string(index)));
      }
    }
    EXPECT_EQ(std::is_sorted(seen.begin(), seen.end()), !shuffle);
    std::sort(seen.begin(), seen.end());
    for (int64_t i = 0; i < set.size(); ++i) EXPECT_EQ(seen[static_cast<size_t>(i)], i);
  }
}

TEST(SentenceBatches, AreAFunctionOfSeedAndEpoch) {
  const Sentences set = numbered(64);
  const auto vocabulary = text::Vocabulary::of(set.texts);
  const auto first = [&](uint64_t seed, int64_t epoch) {
    return sentence_batches(set, vocabulary, {.batch = 64, .unknown = 0.3, .seed = seed}, epoch).front();
  };
  const Batch a = first(1, 0), b = first(1, 0), c = first(1, 1), d = first(2, 0);
  EXPECT_EQ(std::memcmp(a.images.raw(), b.images.raw(), a.images.bytes()), 0);
  EXPECT_NE(a.indices, c.indices);
  EXPECT_NE(a.indices, d.indices);
}

TEST(SentenceBatches, MakeTheGivenShareOfWordsUnknown) {
  const Sentences set = numbered(2000);
  const auto vocabulary = text::Vocabulary::of(set.texts);
  const auto batch = sentence_batches(set, vocabulary, {.batch = 2000, .unknown = 0.25}).front();
  const auto words = batch.images.span<int32_t>();
  const auto unknown = std::count(words.begin(), words.end(), text::Vocabulary::kUnknown);
  const auto all = std::ssize(words) - std::count(words.begin(), words.end(), text::Vocabulary::kPadding);
  EXPECT_NEAR(static_cast<double>(unknown) / static_cast<double>(all), 0.25, 0.03);
}

}  // namespace
}  // namespace tessera::data
