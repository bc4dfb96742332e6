// Learns what kind of answer a question wants, and tells it of questions that are typed in:
//
//   sentences train questions.safetensors              # on the corpus of corpus.h, half a minute on two cores
//   sentences classify questions.safetensors "where will the man who knows when anna can sing work ?"
//   sentences classify questions.safetensors           # reads lines
//   sentences corpus .                                 # writes train.tsv and test.tsv, to look at
//   sentences train mine.safetensors --data train.tsv --test test.tsv      # own sentences: CLASS<TAB>SENTENCE
//
// 98.6 to 98.9 % of the test part, whose combinations of questions training never showed; docs/text.md compares.
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "corpus.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/options.h"
#include "tessera/core/text.h"
#include "tessera/infer/sentence_classifier.h"
#include "tessera/ops/tape.h"
#include "tessera/train/learner.h"
#include "tessera/train/metrics.h"

namespace {

using namespace tessera;

struct Choices {
  std::string command, model_file;
  std::vector<std::string> sentences;
  std::string data, test;
  int64_t epochs = 12, seed = 0, width = 64, depth = 3;
  bool bag = false, positions = true;

  void visit(Options& o) {
    o("command", command, "what to do").positional().one_of({"train", "classify", "corpus"}).required();
    o("model_file", model_file, "the model file, or where to write the corpus")
        .positional()
        .placeholder("FILE")
        .required();
    o("sentences", sentences, "what to classify; none: the lines of the standard input").positional();
    o("data", data, "sentences to learn, lines CLASS<TAB>SENTENCE; by default the built-in questions")
        .placeholder("FILE");
    o("test", test, "sentences to be tested with").placeholder("FILE");
    o("epochs", epochs, "how often every sentence is seen").at_least(1);
    o("seed", seed, "of the weights and the order of the sentences");
    o("width", width, "of the words, a multiple of 4").at_least(4);
    o("depth", depth, "blocks of the encoder").at_least(0);
    o("positions", positions, "whether the encoder knows the order of the words; without, to compare with");
    o("bag", bag, "only counts words: neither positions nor attention, to compare with");
  }
};

questions::Corpus corpus_of(const Choices& choices) {
  if (choices.data.empty() && !choices.test.empty()) fail_usage("--test is tested after --data was learned: give both");
  if (choices.data.empty()) return questions::make_corpus(/*train=*/8000, /*test=*/2000);
  questions::Corpus corpus;
  corpus.train = data::read_sentences(choices.data);
  if (!choices.test.empty()) corpus.test = data::read_sentences(choices.test, corpus.train.class_names);
  return corpus;
}

models::TextEncoderConfig architecture(const Choices& choices, int64_t vocab, int64_t classes) {
  models::TextEncoderConfig config;
  config.vocab = vocab;
  config.num_classes = classes;
  config.max_length = 64;
  config.embed_dim = choices.width;
  config.dim_feedforward = 2 * choices.width;
  config.num_heads = 4;
  config.depth = choices.bag ? 0 : choices.depth;
  config.act = "gelu_erf";
  config.dropout = 0.1;
  if (choices.bag || !choices.positions) config.pos_embed = "none";
  return config;
}

double accuracy(models::TextEncoder& model, const data::Sentences& set, const text::Vocabulary& vocabulary) {
  const ops::NoGrad no_grad;
  train::Metrics metrics(model.num_classes());
  for (const data::Batch& batch : data::sentence_batches(
           set, vocabulary, {.batch = 256, .max_length = model.config().max_length, .shuffle = false}))
    metrics.add(model.forward(batch.images).span(), batch.labels.span<int64_t>());
  return metrics.accuracy();
}

void fit(models::TextEncoder& model, const data::Sentences& set, const text::Vocabulary& vocabulary,
         const Choices& choices) {
  train::TrainOptions options;
  options.batch = 64;
  options.lr = 1e-3;
  options.weight_decay = 0.01;
  options.warmup = 0.1;
  options.seed_value = choices.seed;
  train::Learner learner(model, options);
  const int64_t steps_per_epoch = (set.size() + options.batch - 1) / options.batch;
  const train::Schedule schedule = train::schedule_options(options, choices.epochs * steps_per_epoch);

  const auto start = std::chrono::steady_clock::now();
  int64_t t = 0;
  for (int64_t epoch = 0; epoch < choices.epochs; ++epoch) {
    double loss = 0;
    for (const data::Batch& batch : data::sentence_batches(
             set, vocabulary,
             {.batch = options.batch, .max_length = model.config().max_length, .unknown = 0.03, .seed = options.seed()},
             epoch)) {
      loss += learner.learn(batch, t, schedule.at(static_cast<double>(t))).loss;
      ++t;
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    const double left =
        passed.count() / static_cast<double>(epoch + 1) * static_cast<double>(choices.epochs - epoch - 1);
    std::printf("epoch %d of %d: loss %.3f, %s left\n", static_cast<int>(epoch + 1), static_cast<int>(choices.epochs),
                loss / static_cast<double>(steps_per_epoch), format_duration(left).c_str());
    std::fflush(stdout);
  }
}

void run_train(const Choices& choices) {
  const questions::Corpus corpus = corpus_of(choices);
  const auto vocabulary = text::Vocabulary::of(corpus.train.texts);
  const auto classes = static_cast<int64_t>(corpus.train.class_names.size());
  models::TextEncoder model(architecture(choices, vocabulary.size(), classes));
  model.initialise(static_cast<uint64_t>(choices.seed));
  std::printf("%d sentences of %d words and %d classes; a model of %d parameters\n",
              static_cast<int>(corpus.train.size()), static_cast<int>(vocabulary.size()), static_cast<int>(classes),
              static_cast<int>(model.num_parameters()));
  fit(model, corpus.train, vocabulary, choices);
  if (corpus.test.size() > 0)
    std::printf("test accuracy %.1f %% of %d sentences\n", 100 * accuracy(model, corpus.test, vocabulary),
                static_cast<int>(corpus.test.size()));
  infer::save_sentence_model(choices.model_file, model, vocabulary, corpus.train.class_names);
  std::printf("the model is %s\n", choices.model_file.c_str());
}

void print_guesses(const infer::SentenceClassifier& classifier, const std::string& sentence) {
  for (const infer::Guess& guess : classifier.classify(sentence, /*top=*/2).top)
    std::printf("%-10s %5.1f %%   ", guess.name.c_str(), 100 * guess.probability);
  std::printf("%s\n", sentence.c_str());
}

void run_classify(const Choices& choices) {
  const auto classifier = infer::SentenceClassifier::load(choices.model_file);
  for (const std::string& sentence : choices.sentences) print_guesses(classifier, sentence);
  if (!choices.sentences.empty()) return;
  for (std::string line; std::getline(std::cin, line);) print_guesses(classifier, line);
}

void run_corpus(const Choices& choices) {
  if (!choices.data.empty()) fail_usage("corpus writes the built-in questions: --data is for train");
  const auto write = [&](const char* name, const data::Sentences& set) {
    std::string lines;
    for (size_t i = 0; i < set.texts.size(); ++i)
      lines += set.class_names[static_cast<size_t>(set.labels[i])] + "\t" + set.texts[i] + "\n";
    write_atomically(std::filesystem::path(choices.model_file) / name, lines);
  };
  const questions::Corpus corpus = corpus_of(choices);
  write("train.tsv", corpus.train);
  write("test.tsv", corpus.test);
}

}  // namespace

int main(int argc, char** argv) try {
  Choices choices;
  Options options("sentences train|classify|corpus FILE [SENTENCE…] [OPTIONS]", "Classifies sentences.");
  choices.visit(options);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (Options::asks_for_help(arguments)) {
    std::printf("%s", options.help().c_str());
    return 0;
  }
  options.parse(arguments);
  options.check_required();
  if (choices.command == "train") run_train(choices);
  if (choices.command == "classify") run_classify(choices);
  if (choices.command == "corpus") run_corpus(choices);
} catch (const tessera::UsageError& error) {
  std::fprintf(stderr, "sentences: %s\n", error.what());
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "sentences: %s\n", error.what());
  return 1;
}
