// From a sentence to the numbers of its words.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/tensor.h"

namespace tessera::text {

// The words and punctuation marks of a sentence in their order, in lower case: "What's that, Anna?" gives
// what's · that · , · anna · ?
// A word is a run of letters, digits, apostrophes inside it and bytes beyond ASCII (so that UTF-8 stays whole; only
// ASCII letters change their case). White space and control characters separate; any other character is a mark of its
// own.
std::vector<std::string> words_of(std::string_view sentence);

class Vocabulary {
 public:
  static constexpr int32_t kPadding =
      -1;  // no word, behind the end of a sentence. No row of an embedding is spent on it
  static constexpr int32_t kUnknown = 0;  // any word that is not in the vocabulary, "<unk>"

  // The words that come at least `least` times in these sentences, the most frequent first (of equal ones in the order
  // of their bytes), and of these the first `most`; 0: all. What is no UTF-8 stays unknown.
  static Vocabulary of(std::span<const std::string> sentences, int64_t least = 1, int64_t most = 0);

  int64_t size() const { return static_cast<int64_t>(words_.size()); }  // "<unk>" included
  const std::string& word(int32_t id) const { return words_.at(static_cast<size_t>(id)); }
  int32_t id(std::string_view word) const;
  std::vector<int32_t> ids(std::string_view sentence) const;

  // What a text encoder reads: (B, N) s32, N the words of the longest sentence, but at least 1 and at most max_length
  // (what lies beyond is cut off); kPadding behind the end of the shorter ones.
  Tensor batch(std::span<const std::string> sentences, int64_t max_length) const;

  // As a model file keeps it (weights::ModelInfo::preprocess): {"words": ["<unk>", "the", …]}. What is no such object
  // is an Error without a place.
  std::string to_json() const;
  static Vocabulary from_json(const std::string& json);

 private:
  explicit Vocabulary(std::vector<std::string> words);

  std::vector<std::string> words_;
  std::map<std::string, int32_t, std::less<>> ids_;
};

// Sentences as numbers, side by side: -> (B, N) s32 as Vocabulary::batch() says.
Tensor batch_of(std::span<const std::vector<int32_t>> sentences, int64_t max_length);

}  // namespace tessera::text
