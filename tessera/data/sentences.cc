#include "tessera/data/sentences.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/random.h"
#include "tessera/core/text.h"

namespace tessera::data {

namespace {

int64_t index_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) - names.begin();
}

}  // namespace

Sentences read_sentences(const std::filesystem::path& path, std::vector<std::string> class_names) {
  struct Line {
    size_t number;
    std::string class_name, text;
  };
  std::vector<Line> lines;
  std::set<std::string> found;
  const std::vector<std::string> all = split(read_text(path), '\n');
  for (size_t i = 0; i < all.size(); ++i) {
    std::string line = all[i];
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    const size_t tab = line.find('\t');
    TESSERA_CHECK(tab != std::string::npos && tab > 0, "{}, line {}: there is no class and tab before the sentence",
                  path.string(), i + 1);
    lines.push_back({i + 1, line.substr(0, tab), line.substr(tab + 1)});
    found.insert(lines.back().class_name);
  }
  TESSERA_CHECK(!lines.empty(), "{}: there are no sentences in it; a line is CLASS<TAB>SENTENCE", path.string());
  Sentences set;
  set.class_names = class_names.empty() ? std::vector<std::string>(found.begin(), found.end()) : std::move(class_names);
  for (Line& line : lines) {
    const int64_t label = index_of(set.class_names, line.class_name);
    TESSERA_CHECK(label < std::ssize(set.class_names), "{}, line {}: the class '{}' is not one of the {} known{}",
                  path.string(), line.number, line.class_name, set.class_names.size(),
                  did_you_mean(line.class_name, set.class_names));
    set.texts.push_back(std::move(line.text));
    set.labels.push_back(label);
  }
  return set;
}

std::vector<Batch> sentence_batches(const Sentences& set, const text::Vocabulary& vocabulary,
                                    const SentenceOptions& options, int64_t epoch) {
  TESSERA_CHECK(options.batch > 0 && options.unknown >= 0 && options.unknown < 1,
                "batches of {} sentences with {} of their words unknown", options.batch, options.unknown);
  const auto step = static_cast<uint64_t>(epoch);
  std::vector<int64_t> order(static_cast<size_t>(set.size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (options.shuffle) shuffle(order, Random(options.seed, "sentences/order", step));
  std::vector<Batch> batches;
  for (int64_t begin = 0; begin < set.size(); begin += options.batch) {
    Batch& batch = batches.emplace_back();
    batch.indices.assign(order.begin() + begin, order.begin() + std::min(begin + options.batch, set.size()));
    batch.epoch = epoch;
    batch.position = std::ssize(batches) - 1;
    std::vector<std::vector<int32_t>> words;
    std::vector<int64_t> labels;
    for (int64_t index : batch.indices) {
      words.push_back(vocabulary.ids(set.texts[static_cast<size_t>(index)]));
      labels.push_back(set.labels[static_cast<size_t>(index)]);
      Random random(options.seed, "sentences/unknown", step, static_cast<uint64_t>(index));
      for (int32_t& word : words.back())
        if (options.unknown > 0 && random.coin(options.unknown)) word = text::Vocabulary::kUnknown;
    }
    batch.images = text::batch_of(words, options.max_length);  // (B, N)
    batch.labels = Tensor::from({batch.size()}, std::span<const int64_t>(labels));
  }
  return batches;
}

}  // namespace tessera::data
