// Labelled sentences: files of them, and batches for a text encoder (models/text_encoder.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/data/batches.h"
#include "tessera/text/vocabulary.h"

namespace tessera::data {

struct Sentences {
  std::vector<std::string> texts;
  std::vector<int64_t> labels;  // of class_names
  std::vector<std::string> class_names;
  int64_t size() const { return static_cast<int64_t>(texts.size()); }
};

// Lines of UTF-8, "class<TAB>sentence"; empty ones are passed over. class_names: which there are and in which order, so
// that training and test part agree; empty: those of the file, sorted. An Error names the file and the line.
Sentences read_sentences(const std::filesystem::path& path, std::vector<std::string> class_names = {});

struct SentenceOptions {
  int64_t batch = 64;
  int64_t max_length = 64;  // words; what lies beyond is cut off
  bool shuffle = true;      // in another order each epoch
  // The share of words that are replaced by the unknown word, drawn anew each epoch: without it a vocabulary that has
  // every word of its training sentences never learns what to make of any other.
  double unknown = 0;
  uint64_t seed = 0;
};

// One epoch: every sentence once, the last batch with what is left. Batch::images holds words (B, N) s32. A pure
// function of its arguments.
std::vector<Batch> sentence_batches(const Sentences& set, const text::Vocabulary& vocabulary,
                                    const SentenceOptions& options, int64_t epoch = 0);

}  // namespace tessera::data
