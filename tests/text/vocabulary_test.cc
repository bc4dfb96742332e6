#include "tessera/text/vocabulary.h"

#include <gtest/gtest.h>

#include "tessera/core/error.h"

namespace tessera::text {
namespace {

using Words = std::vector<std::string>;
using Numbers = std::vector<int32_t>;

Numbers numbers_of(const Tensor& words) { return {words.data<int32_t>(), words.data<int32_t>() + words.numel()}; }

TEST(Words, AreWordsAndMarksInLowerCase) {
  EXPECT_EQ(words_of("What's that,  Anna?"), (Words{"what's", "that", ",", "anna", "?"}));
  EXPECT_EQ(words_of("at 7:30pm"), (Words{"at", "7", ":", "30pm"}));
  EXPECT_EQ(words_of("'quoted' dogs' x'"), (Words{"'", "quoted", "'", "dogs", "'", "x", "'"}));
  EXPECT_EQ(words_of("Über\tZürich\n"), (Words{"Über", "zürich"}));  // only ASCII changes its case
  EXPECT_EQ(words_of(" \r\n"), Words());
  EXPECT_EQ(words_of(std::string_view("a\0b", 3)), (Words{"a", "b"}));
}

TEST(Vocabulary, NumbersWordsByTheirFrequency) {
  const Words sentences = {"the cat saw the dog", "The dog ran", "a bird"};
  const Vocabulary all = Vocabulary::of(sentences);
  EXPECT_EQ(all.size(), 8);  // <unk> the dog a bird cat ran saw
  EXPECT_EQ(all.word(0), "<unk>");
  EXPECT_EQ(all.ids("the dog a bird cat ran saw"), (Numbers{1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(all.ids("The HORSE ran"), (Numbers{1, Vocabulary::kUnknown, 6}));
  EXPECT_EQ(Vocabulary::of(sentences, 2).size(), 3);  // <unk> the dog
  EXPECT_EQ(Vocabulary::of(sentences, 1, 4).ids("bird cat"), (Numbers{4, 0}));
  EXPECT_EQ(Vocabulary::of({}).size(), 1);
}

TEST(Vocabulary, PadsShortSentencesAndCutsLongOnes) {
  const Words sentences = {"a b c", "b", ""};
  const Vocabulary vocabulary = Vocabulary::of(sentences);  // b a c
  const Tensor words = vocabulary.batch(sentences, 10);
  EXPECT_EQ(words.shape(), (Shape{3, 3}));
  EXPECT_EQ(numbers_of(words), (Numbers{2, 1, 3, 1, -1, -1, -1, -1, -1}));
  EXPECT_EQ(numbers_of(vocabulary.batch(sentences, 2)), (Numbers{2, 1, 1, -1, -1, -1}));
  EXPECT_EQ(vocabulary.batch(Words{""}, 10).shape(), (Shape{1, 1}));
  EXPECT_THROW(vocabulary.batch(sentences, 0), Error);
}

TEST(Vocabulary, ComesBackFromItsText) {
  const Words sentences = {"\"Grüße\" an O'Neil \\ 100 %", "\xff\xfe broken"};  // the last bytes are no UTF-8
  const Vocabulary before = Vocabulary::of(sentences), after = Vocabulary::from_json(before.to_json());
  EXPECT_EQ(before.size(), after.size());
  EXPECT_EQ(before.ids("grüße o'neil \" \\ % broken"), after.ids("grüße o'neil \" \\ % broken"));
  EXPECT_EQ(before.ids("\xff\xfe"), (Numbers{Vocabulary::kUnknown}));
  for (const char* wrong : {"", "{}", "[1]", R"({"words": "the"})", R"({"words": []})", R"({"words": ["the"]})",
                            R"({"words": ["<unk>", 1]})", R"({"words": ["<unk>", "the", "the"]})"})
    EXPECT_THROW(Vocabulary::from_json(wrong), Error) << wrong;
}

}  // namespace
}  // namespace tessera::text
