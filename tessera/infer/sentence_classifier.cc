#include "tessera/infer/sentence_classifier.h"

#include <utility>

#include "tessera/core/error.h"

namespace tessera::infer {

void save_sentence_model(const std::filesystem::path& path, models::TextEncoder& model,
                         const text::Vocabulary& vocabulary, const std::vector<std::string>& class_names) {
  weights::save_model(
      path, model,
      {.architecture = model.architecture(), .preprocess = vocabulary.to_json(), .class_names = class_names});
}

SentenceClassifier SentenceClassifier::load(const std::filesystem::path& path) {
  weights::LoadedModel loaded = weights::load_model(path, {.fill = {.purpose = weights::Purpose::use}});
  const std::shared_ptr<models::Model> model = std::move(loaded.model);
  const auto encoder = std::dynamic_pointer_cast<models::TextEncoder>(model);
  TESSERA_CHECK(encoder, "{}: this model reads pictures, not sentences: infer::Classifier uses it", path.string());
  TESSERA_CHECK(!loaded.info.preprocess.empty(),
                "{}: the file has no vocabulary: infer::save_sentence_model writes one", path.string());
  try {
    return SentenceClassifier(encoder, text::Vocabulary::from_json(loaded.info.preprocess), loaded.info.class_names);
  } catch (const Error& error) {
    fail("{}: {}", path.string(), error.what());
  }
}

SentenceClassifier::SentenceClassifier(std::shared_ptr<models::TextEncoder> model, text::Vocabulary vocabulary,
                                       std::vector<std::string> class_names)
    : model_(std::move(model)), network_(model_, std::move(class_names)), vocabulary_(std::move(vocabulary)) {
  TESSERA_CHECK(vocabulary_.size() == model_->config().vocab, "a vocabulary of {} words for a model of {}",
                vocabulary_.size(), model_->config().vocab);
}

Classification SentenceClassifier::classify(const std::string& sentence, int64_t top) const {
  return std::move(classify(std::span(&sentence, 1), top).front());
}

std::vector<Classification> SentenceClassifier::classify(std::span<const std::string> sentences, int64_t top) const {
  if (sentences.empty()) return {};
  const Tensor words = vocabulary_.batch(sentences, model_->config().max_length);  // (B, N)
  return network_.rank_all(network_.logits(words), top);                           // (B, K)
}

}  // namespace tessera::infer
