#include "tessera/text/vocabulary.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "tessera/core/error.h"

namespace tessera::text {

namespace {

constexpr const char* kUnknownWord = "<unk>";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
// Whether JSON can hold it. Sentences are anybody's.
bool is_utf8(const std::string& word) {
  const bool ascii = std::all_of(word.begin(), word.end(), [](char c) { return (c & 0x80) == 0; });
  return ascii || nlohmann::json::accept('"' + word + '"');
}
bool separates(char c) { return (c >= 0 && c <= ' ') || c == 0x7f; }

}  // namespace

std::vector<std::string> words_of(std::string_view sentence) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, {}));
  };
  for (size_t i = 0; i < sentence.size(); ++i) {
    const char c = lower(sentence[i]);
    const bool inside = c == '\'' && !word.empty() && i + 1 < sentence.size() && is_letter(lower(sentence[i + 1]));
    if (is_letter(c) || inside) {
      word += c;
      continue;
    }
    end_word();
    if (!separates(c)) words.emplace_back(1, c);
  }
  end_word();
  return words;
}

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  TESSERA_CHECK(!words_.empty() && words_.front() == kUnknownWord, "a vocabulary begins with {}", kUnknownWord);
  for (size_t i = 0; i < words_.size(); ++i)
    TESSERA_CHECK(ids_.emplace(words_[i], static_cast<int32_t>(i)).second, "the vocabulary has '{}' twice", words_[i]);
}

Vocabulary Vocabulary::of(std::span<const std::string> sentences, int64_t least, int64_t most) {
  std::map<std::string, int64_t> counts;
  for (const std::string& sentence : sentences)
    for (std::string& word : words_of(sentence)) ++counts[std::move(word)];
  std::vector<std::pair<int64_t, std::string>> ranked;
  for (const auto& [word, count] : counts)
    if (count >= least && is_utf8(word)) ranked.emplace_back(-count, word);
  std::sort(ranked.begin(), ranked.end());
  if (most > 0 && std::ssize(ranked) > most) ranked.resize(static_cast<size_t>(most));
  std::vector<std::string> words = {kUnknownWord};
  for (auto& [count, word] : ranked) words.push_back(std::move(word));
  return Vocabulary(std::move(words));
}

int32_t Vocabulary::id(std::string_view word) const {
  const auto found = ids_.find(word);
  return found == ids_.end() ? kUnknown : found->second;
}

std::vector<int32_t> Vocabulary::ids(std::string_view sentence) const {
  std::vector<int32_t> result;
  for (const std::string& word : words_of(sentence)) result.push_back(id(word));
  return result;
}

Tensor Vocabulary::batch(std::span<const std::string> sentences, int64_t max_length) const {
  std::vector<std::vector<int32_t>> numbers;
  for (const std::string& sentence : sentences) numbers.push_back(ids(sentence));
  return batch_of(numbers, max_length);
}

std::string Vocabulary::to_json() const { return nlohmann::json{{"words", words_}}.dump(); }

Vocabulary Vocabulary::from_json(const std::string& json) {
  const auto object = nlohmann::json::parse(json, nullptr, false);
  const bool lists = object.is_object() && object.contains("words") && object["words"].is_array();
  TESSERA_CHECK(lists && std::all_of(object["words"].begin(), object["words"].end(),
                                     [](const auto& word) { return word.is_string(); }),
                "this is no vocabulary, {{\"words\": [\"<unk>\", …]}}");
  return Vocabulary(object["words"].get<std::vector<std::string>>());
}

Tensor batch_of(std::span<const std::vector<int32_t>> sentences, int64_t max_length) {
  TESSERA_CHECK(max_length > 0, "sentences of at most {} words", max_length);
  int64_t N = 1;
  for (const auto& sentence : sentences) N = std::max(N, std::ssize(sentence));
  N = std::min(N, max_length);
  const Tensor words = Tensor::empty({std::ssize(sentences), N}, DType::s32);
  std::fill_n(words.data<int32_t>(), words.numel(), Vocabulary::kPadding);
  for (size_t b = 0; b < sentences.size(); ++b)
    std::copy_n(sentences[b].begin(), std::min(N, std::ssize(sentences[b])),
                words.data<int32_t>() + static_cast<int64_t>(b) * N);
  return words;
}

}  // namespace tessera::text
