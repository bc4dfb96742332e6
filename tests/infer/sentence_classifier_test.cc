#include "tessera/infer/sentence_classifier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "tessera/core/random.h"
#include "tessera/infer/classifier.h"
#include "tests/support.h"

namespace tessera::infer {
namespace {

const std::vector<std::string> kSentences = {"where is the station", "who is Anna?", "when does the train leave"};
const std::vector<std::string> kClasses = {"person", "place", "time"};

std::shared_ptr<models::TextEncoder> encoder(const text::Vocabulary& vocabulary) {
  models::TextEncoderConfig config;
  config.vocab = vocabulary.size();
  config.max_length = 8;
  config.num_classes = 3;
  config.embed_dim = 16;
  config.depth = 2;
  config.num_heads = 2;
  config.dim_feedforward = 32;
  const auto model = std::make_shared<models::TextEncoder>(config);
  for (const nn::Parameter& parameter : model->parameters()) {
    Random random(1, parameter.name);
    for (float& value : parameter.tensor->span()) value = static_cast<float>(random.normal());
  }
  return model;
}

class SentenceModel : public testing::Test {
 protected:
  SentenceModel() : vocabulary(text::Vocabulary::of(kSentences)), model(encoder(vocabulary)) {
    save_sentence_model(path(), *model, vocabulary, kClasses);
  }
  std::filesystem::path path() const { return folder / "model.safetensors"; }
  test::TemporaryFolder folder;
  text::Vocabulary vocabulary;
  std::shared_ptr<models::TextEncoder> model;
};

TEST_F(SentenceModel, ComesBackFromItsFile) {
  const SentenceClassifier before(model, vocabulary, kClasses), after = SentenceClassifier::load(path());
  EXPECT_EQ(after.class_names(), kClasses);
  for (const std::string& sentence : {kSentences[0], std::string("WHERE is the elephant"), std::string()}) {
    const Classification a = before.classify(sentence), b = after.classify(sentence);
    EXPECT_EQ(a.logits, b.logits) << sentence;
    ASSERT_EQ(b.top.size(), 3u);
    EXPECT_EQ(b.top[0].name, kClasses[static_cast<size_t>(b.top[0].index)]);
    EXPECT_GE(b.top[0].probability, b.top[1].probability);
    EXPECT_NEAR(b.top[0].probability + b.top[1].probability + b.top[2].probability, 1, 1e-9);
  }
  EXPECT_EQ(before.classify("Where IS the Station").logits, before.classify(kSentences[0]).logits);
  EXPECT_NE(before.classify(kSentences[1]).logits, before.classify(kSentences[0]).logits);
}

TEST_F(SentenceModel, ClassifiesABatchAsOneByOne) {
  const auto classifier = SentenceClassifier::load(path());
  const auto all = classifier.classify(kSentences);
  ASSERT_EQ(all.size(), kSentences.size());
  for (size_t i = 0; i < all.size(); ++i) {
    const Classification alone = classifier.classify(kSentences[i]);
    for (size_t k = 0; k < 3; ++k)
      EXPECT_NEAR(all[i].logits[k], alone.logits[k], 2e-6 * std::abs(alone.logits[k]) + 2e-6);
  }
  EXPECT_TRUE(classifier.classify(std::vector<std::string>()).empty());
}

TEST_F(SentenceModel, ReadsTheBeginningOfALongSentence) {
  const auto classifier = SentenceClassifier::load(path());
  const std::string eight = "the train is the train is the train";
  EXPECT_EQ(classifier.classify(eight + " where who when").logits, classifier.classify(eight).logits);
}

TEST_F(SentenceModel, IsNoModelOfPictures) {
  const std::string complaint = test::error_of([&] { Classifier::load(path()); });
  EXPECT_NE(complaint.find(path().string()), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("reads sentences, not pictures"), std::string::npos) << complaint;
  EXPECT_THROW(Classifier(model, {}), Error);
}

TEST_F(SentenceModel, SaysWhatItsFileLacks) {
  weights::save_model(path(), *model, {.architecture = model->architecture()});
  EXPECT_NE(test::error_of([&] { SentenceClassifier::load(path()); }).find("no vocabulary"), std::string::npos);
  const auto other = text::Vocabulary::of(std::vector<std::string>{"one two"});
  save_sentence_model(path(), *model, other, kClasses);
  const std::string complaint = test::error_of([&] { SentenceClassifier::load(path()); });
  EXPECT_NE(complaint.find(path().string()), std::string::npos) << complaint;
  EXPECT_NE(complaint.find("a vocabulary of 3 words"), std::string::npos) << complaint;
}

}  // namespace
}  // namespace tessera::infer
