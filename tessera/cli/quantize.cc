// tessera quantize: a model's weights in whole numbers, as far as its accuracy allows.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "tessera/cli/data_choice.h"
#include "tessera/cli/evaluate.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/data/batches.h"
#include "tessera/data/split.h"
#include "tessera/infer/quantize.h"
#include "tessera/report/progress.h"

namespace tessera::cli {
namespace {

struct QuantizeOptions {
  WeightsChoice weights;
  DataChoice data;
  std::string split, out;
  double max_drop = 0.3;
  int64_t pictures = 2000, probes = 128, batch = 32, threads = 0;

  void visit(Options& o) {
    weights.visit(o);
    o("out", out, "the file to write; MODEL with .int8 in its name where none is given").placeholder("FILE");
    o.section("Data");
    data.visit(o);
    o("split", split, "the part that decides what is quantised: by default val, or train where there is none")
        .one_of({"", "train", "val", "test"});
    o("pictures", pictures, "how many of it, drawn at random; 0: all").at_least(0);
    o("probes", probes, "how many of those show what each layer does to the answers").at_least(1);
    o("max-drop", max_drop, "points of accuracy that may be lost on them").at_least(0);
    o.section("Running");
    o("batch", batch, "pictures that go through the model at once").at_least(1);
    o("threads", threads, "0: one for each core").at_least(0);
  }
};

// What one layer does to the answers when it alone is quantised.
struct Finding {
  models::Product product;
  Shape shape;
  double divergence = 0;  // mean of Σ p·log(p / q) over the probes, p and q the answers before and after
  bool kept = false;      // in float
};

// Some samples of a set, drawn by a fixed seed, in ascending order.
std::shared_ptr<const data::DataSet> some_of(const std::shared_ptr<const data::DataSet>& set, int64_t count) {
  if (count == 0 || count >= set->size()) return set;
  std::vector<int64_t> indices(static_cast<size_t>(set->size()));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  Random random(0, "quantize/pictures");
  for (size_t i = indices.size() - 1; i > 0; --i) std::swap(indices[i], indices[random.below(i + 1)]);
  indices.resize(static_cast<size_t>(count));
  std::sort(indices.begin(), indices.end());
  return std::make_shared<data::Subset>(set, std::move(indices));
}

class Quantizer {
 public:
  Quantizer(weights::LoadedModel loaded, const image::Preprocess& how, std::shared_ptr<const data::DataSet> set,
            const QuantizeOptions& options)
      : model_(std::move(loaded.model)),
        info_(std::move(loaded.info)),
        how_(how),
        set_(std::move(set)),
        options_(options) {
    for (const models::Product& product : model_->products())
      findings_.push_back({product, infer::parameter(*model_, product.weight).shape()});
    TESSERA_CHECK(!findings_.empty(), "{}: models of this family cannot be quantised yet", options.weights.weights);
    load_probes();
  }

  // Smooths, looks at each layer, then quantises all but those that cost too much.
  void run() {
    const Evaluation before = evaluate(classifier(), set_, {.batch = options_.batch});
    before_ = before.metrics.accuracy();
    unreadable_ = before.unreadable;
    infer::InputRanges ranges;
    for (const Tensor& images : probes_) infer::observe(*model_, images, ranges);
    infer::smooth(*model_, ranges);
    for (const Finding& finding : findings_) {
      const Tensor& w = infer::parameter(*model_, finding.product.weight);
      float_[finding.product.weight] = w;
      whole_[finding.product.weight] = infer::quantised(w);
    }
    probe();
    choose();
  }

  const std::vector<Finding>& findings() const { return findings_; }
  double before() const { return before_; }
  double after() const { return after_; }
  const std::vector<std::string>& unreadable() const { return unreadable_; }  // why, for each picture left out
  infer::Classifier classifier() const { return infer::Classifier(model_, info_).with_preprocess(how_); }
  models::Model& model() { return *model_; }
  weights::ModelInfo& info() { return info_; }

 private:
  void load_probes() {
    data::Loader loader(some_of(set_, options_.probes), data::evaluation_options(how_, options_.batch, num_threads()));
    while (const auto batch = loader.next())
      if (batch->size() > 0) probes_.push_back(batch->images);
    TESSERA_CHECK(!probes_.empty(), "none of the pictures could be read");
  }

  // log softmax of the probes' logits, (probes, K) in a row
  std::vector<double> answers() const {
    const infer::Classifier classifier = this->classifier();
    std::vector<double> all;
    for (const Tensor& images : probes_) {
      const Tensor logits = classifier.logits(images);  // (B, K)
      const int64_t K = logits.size(1);
      for (int64_t b = 0; b < logits.size(0); ++b) {
        const float* row = logits.data() + b * K;
        const double most = *std::max_element(row, row + K);
        double sum = 0;
        for (int64_t k = 0; k < K; ++k) sum += std::exp(row[k] - most);
        for (int64_t k = 0; k < K; ++k) all.push_back(row[k] - most - std::log(sum));
      }
    }
    return all;
  }

  void set_whole(const Finding& finding, bool whole) {
    const std::string& name = finding.product.weight;
    infer::parameter(*model_, name) = whole ? whole_.at(name) : float_.at(name);
  }

  void probe() {
    const std::vector<double> p = answers();
    const double pictures = static_cast<double>(p.size()) / static_cast<double>(model_->num_classes());
    const bool live = report::is_terminal(stderr);
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < findings_.size(); ++i) {
      Finding& finding = findings_[i];
      set_whole(finding, true);
      const std::vector<double> q = answers();
      set_whole(finding, false);
      double sum = 0;
      for (size_t t = 0; t < p.size(); ++t) sum += std::exp(p[t]) * (p[t] - q[t]);
      finding.divergence = sum / pictures;
      const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
      const double left = elapsed.count() / static_cast<double>(i + 1) * static_cast<double>(findings_.size() - i - 1);
      if (live) fmt::print(stderr, "\rlayer {} of {} · {:.0f} s left ", i + 1, findings_.size(), left);
    }
    if (live) fmt::print(stderr, "\r\x1b[K");
  }

  // Keeps the worst 0, 1, 2, 4, … layers in float until the rest costs no more than allowed.
  void choose() {
    std::vector<Finding*> worst;
    for (Finding& finding : findings_) worst.push_back(&finding);
    std::stable_sort(worst.begin(), worst.end(),
                     [](const Finding* a, const Finding* b) { return a->divergence > b->divergence; });
    for (size_t kept = 0;; kept = std::min(std::max<size_t>(1, 2 * kept), worst.size())) {
      for (size_t i = 0; i < worst.size(); ++i) set_whole(*worst[i], !(worst[i]->kept = i < kept));
      after_ = evaluate(classifier(), set_, {.batch = options_.batch}).metrics.accuracy();
      if (100 * (before_ - after_) <= options_.max_drop || kept == worst.size()) return;
    }
  }

  std::shared_ptr<models::Model> model_;
  weights::ModelInfo info_;
  image::Preprocess how_;
  std::shared_ptr<const data::DataSet> set_;
  const QuantizeOptions& options_;
  std::vector<Tensor> probes_;  // (B, H, W, C) each
  std::vector<Finding> findings_;
  std::map<std::string, Tensor> float_, whole_;  // of each product
  double before_ = 0, after_ = 0;
  std::vector<std::string> unreadable_;
};

std::string precision_of(const Finding& finding) { return finding.kept ? "f32" : "int8"; }

void print_findings(const std::vector<Finding>& findings) {
  Table table({"layer", "weights", "divergence alone", "precision"}, "llrl");
  for (const Finding& finding : findings)
    table.add({finding.product.layer(), to_string(finding.shape), fmt::format("{:.2e}", finding.divergence),
               precision_of(finding)});
  print("{}\n", table.text());
}

std::string as_json(const Quantizer& quantizer, const QuantizeOptions& o, int64_t pictures) {
  nlohmann::ordered_json json = {{"pictures", pictures},
                                 {"max_drop", o.max_drop},
                                 {"top1_before", quantizer.before()},
                                 {"top1_after", quantizer.after()}};
  for (const Finding& finding : quantizer.findings())
    json["layers"][finding.product.layer()] = {{"precision", precision_of(finding)},
                                               {"divergence", finding.divergence}};
  return json.dump();
}

std::string default_out(const std::string& weights) {
  std::filesystem::path path = model_file(weights);
  return path.replace_extension(".int8.safetensors").string();
}

// Before minutes of work, not after them.
void check_folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  TESSERA_CHECK(std::filesystem::is_directory(folder), "cannot write {}: there is no folder {}; create it first",
                file.string(), folder.string());
}

int quantize(const Arguments& arguments) {
  QuantizeOptions o;
  Options options(
      "tessera quantize MODEL --data DATA [OPTIONS]",
      "Turns weights into whole numbers: a quarter of the size, faster where the machine has VNNI. Layers that "
      "cost too much accuracy stay as they are.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  const std::string path = model_file(o.weights.weights);
  weights::LoadedModel loaded = weights::load_model(path, o.weights.source.load_options());
  TESSERA_CHECK(loaded.info.quantization.empty(), "{}: is quantised already", path);
  const std::string out = o.out.empty() ? default_out(o.weights.weights) : o.out;
  check_folder_of(out);
  const infer::Classifier classifier = o.weights.load();  // mapped: what is changed below is the copy
  const data::DataSets sets = o.data.open(/*train=*/o.split != "test");
  if (o.split.empty()) o.split = sets.validation ? "val" : sets.train ? "train" : "test";
  const auto set = some_of(o.data.part(sets, o.split), o.pictures);
  check_classes(classifier.num_classes(), classifier.info().class_names, o.weights.weights, *set, o.data.data);

  Quantizer quantizer(std::move(loaded), classifier.preprocess(), set, o);
  quantizer.run();
  for (const std::string& why : quantizer.unreadable()) complain(why);
  print_findings(quantizer.findings());
  const auto points = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
  print("{} pictures of {}: {} before, {} after\n", grouped(set->size()), o.split, points(quantizer.before()),
        points(quantizer.after()));
  if (100 * (quantizer.before() - quantizer.after()) > o.max_drop)
    fail("even with every layer in float the accuracy drops by more than {} points; give more --pictures", o.max_drop);

  quantizer.info().quantization = as_json(quantizer, o, set->size());
  quantizer.info().preprocess = quantizer.classifier().info().preprocess;
  weights::save_model(out, quantizer.model(), quantizer.info());
  print("{}: {} bytes, {} before\n", out, grouped(static_cast<int64_t>(std::filesystem::file_size(out))),
        grouped(static_cast<int64_t>(std::filesystem::file_size(path))));
  return 0;
}

}  // namespace

void register_quantize(Registry& registry) {
  registry.add("quantize", {"turns a model's weights into whole numbers", quantize});
}

}  // namespace tessera::cli
