// From a model file to labelled sentences:
//
//   const auto classifier = infer::SentenceClassifier::load("questions.safetensors");
//   for (const infer::Guess& guess : classifier.classify("where is the station?").top) …
//
// Every function is const, prints nothing and may be called from any thread at the same time as others. The model's
// weights must not change any more.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/infer/frozen_model.h"
#include "tessera/models/text_encoder.h"
#include "tessera/text/vocabulary.h"
#include "tessera/weights/model_file.h"

namespace tessera::infer {

// Writes a model file from which SentenceClassifier::load() gets everything: the vocabulary stands where the
// preprocessing of a model of pictures does.
void save_sentence_model(const std::filesystem::path& path, models::TextEncoder& model,
                         const text::Vocabulary& vocabulary, const std::vector<std::string>& class_names);

class SentenceClassifier {
 public:
  // An Error names the file and what is wrong: no text encoder, no vocabulary, or one of another size.
  static SentenceClassifier load(const std::filesystem::path& path);
  // A model in memory. class_names: K, or none.
  SentenceClassifier(std::shared_ptr<models::TextEncoder> model, text::Vocabulary vocabulary,
                     std::vector<std::string> class_names);

  models::TextEncoder& model() const { return *model_; }
  const text::Vocabulary& vocabulary() const { return vocabulary_; }
  const std::vector<std::string>& class_names() const { return network_.class_names(); }

  // Of a sentence longer than the model reads, its beginning counts.
  Classification classify(const std::string& sentence, int64_t top = 5) const;
  // All in one batch: memory grows with their number and the longest of them.
  std::vector<Classification> classify(std::span<const std::string> sentences, int64_t top = 5) const;

 private:
  std::shared_ptr<models::TextEncoder> model_;
  FrozenModel network_;
  text::Vocabulary vocabulary_;
};

}  // namespace tessera::infer
