// tessera predict: what pictures show.
#include <algorithm>
#include <optional>

#include "tessera/cli/data_choice.h"
#include "tessera/cli/describe.h"
#include "tessera/cli/inputs.h"
#include "tessera/cli/logits_file.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/text.h"

namespace tessera::cli {
namespace {

struct PredictOptions {
  WeightsChoice weights;
  std::vector<std::string> paths, input;
  DataChoice data;
  std::string split = "test";
  int64_t count = 0;
  int64_t top = 5, batch = 16, threads = 0, max_pixels = image::kMaxPixels;
  std::string precision = "f32";
  bool json = false, csv = false;
  std::string logits;

  void visit(Options& o) {
    weights.visit(o);
    o("paths", paths,
      "pictures (JPEG, PNG, WebP, GIF, BMP, TIFF), folders of them, or .npy: float32 (B, C, H, W) as the model takes "
      "it, "
      "uint8 (H, W, 3) or (B, H, W, 3) pixels")
        .positional()
        .placeholder("PATH…");
    o.section("Input");
    o("input", input, "the same as PATH").placeholder("PATH");
    data.visit(o, /*required=*/false);
    o("split", split, "part of the data set").one_of({"test", "val", "train"});
    o("count", count, "pictures of the data set, from its beginning; 0: all").at_least(0);
    o("batch", batch, "pictures that go through the model at once").at_least(1);
    o("max_pixels", max_pixels, "of a picture; larger ones are refused").at_least(1);
    o("threads", threads, "0: one for each core").at_least(0);
    o("precision", precision, "of the products; bf16: faster where the machine has it").one_of({"f32", "bf16"});
    o.section("Output");
    o("top", top, "how many classes to tell, the most probable first").at_least(1);
    o("json", json, "a JSON array, one object for each picture");
    o("csv", csv, "a table: input,rank,class,name,probability");
    o("logits", logits, "writes the logits, float32 (pictures, classes), in the order of the output")
        .placeholder("FILE.npy");
  }
};

// Prints classifications in one of three forms.
class Listing {
 public:
  explicit Listing(const PredictOptions& options) : json_(options.json), csv_(options.csv) {
    if (json_) print("[");
    if (csv_) print("input,rank,class,name,probability\n");
  }

  // label: the true class, or empty.
  void add(const std::string& name, const std::string& label, const infer::Classification& result) {
    if (json_) {
      print("{}\n{{\"input\": {}, ", first_ ? "" : ",", json_text(name));
      if (!label.empty()) print("\"label\": {}, ", json_text(label));
      print("\"top\": [");
      for (size_t i = 0; i < result.top.size(); ++i) {
        const infer::Guess& guess = result.top[i];
        print("{}{{\"class\": {}, \"name\": {}, \"probability\": {:.6g}}}", i ? ", " : "", guess.index,
              json_text(guess.name), guess.probability);
      }
      print("]}}");
    } else if (csv_) {
      for (size_t i = 0; i < result.top.size(); ++i) {
        const infer::Guess& guess = result.top[i];
        print("{},{},{},{},{:.6g}\n", csv_cell(name), i + 1, guess.index, csv_cell(guess.name), guess.probability);
      }
    } else {
      print("{}{}\n", name, label.empty() ? "" : fmt::format(" ({})", label));
      for (const infer::Guess& guess : result.top) print("  {:6.2f} %  {}\n", 100 * guess.probability, guess.name);
    }
    first_ = false;
  }

  void finish() {
    if (json_) print("{}]\n", first_ ? "" : "\n");
  }

 private:
  bool json_, csv_, first_ = true;
};

// True for input that says itself how it was prepared.
bool is_array(const std::string& path) { return lower_extension(path) == ".npy"; }

int predict(const Arguments& arguments) {
  PredictOptions o;
  Options options("tessera predict MODEL PATH… [OPTIONS]", "Says what pictures show.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (o.json && o.csv) fail_usage("options '--json' and '--csv' exclude each other");
  std::vector<std::string> paths = o.paths;
  paths.insert(paths.end(), o.input.begin(), o.input.end());
  if (paths.empty() && o.data.data.empty())
    fail_usage("argument PATH is missing: give pictures, folders, .npy files or --data DATA");
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  const infer::Classifier classifier = o.weights.load().with_precision(ops::precision_named(o.precision));
  Inputs inputs(classifier, paths, o.batch, {.max_pixels = o.max_pixels});
  if (!o.data.data.empty()) inputs.add(o.data.part(o.data.open(o.split == "train"), o.split), o.count);
  const bool pictures = !o.data.data.empty() || !std::all_of(paths.begin(), paths.end(), is_array);
  if (classifier.info().preprocess.empty() && pictures)
    complain(fmt::format("note: {} does not say how pictures are prepared; assuming {}; --preprocess changes it",
                         o.weights.weights, describe(classifier.preprocess())));
  std::optional<LogitsFile> logits_file;
  if (!o.logits.empty()) logits_file.emplace(o.logits);
  TESSERA_CHECK(classifier.num_classes() > 0 || logits_file,
                "{}: this model has no classes; --logits FILE.npy writes its features", o.weights.weights);

  Listing listing(o);
  Batch batch;
  int64_t unusable = 0;  // logits that are not finite
  while (inputs.next(batch)) {
    const Tensor logits = classifier.logits(batch.images);  // (B, K)
    if (logits_file) logits_file->add(logits);
    if (classifier.num_classes() == 0) continue;
    for (int64_t b = 0; b < logits.size(0); ++b) {
      const std::string& name = batch.names[static_cast<size_t>(b)];
      try {
        const std::string label = batch.labels.empty() ? "" : batch.labels[static_cast<size_t>(b)];
        listing.add(name, label, classifier.rank(logits.rows(b, 1).span(), o.top));
      } catch (const Error& error) {
        ++unusable;
        complain(fmt::format("{}: {}", name, error.what()));
      }
    }
  }
  listing.finish();
  flush();
  if (logits_file) logits_file->finish();
  if (inputs.strays() > 0)
    complain(fmt::format("note: {} files that are no pictures were passed over", inputs.strays()));
  const int64_t failures = inputs.failures() + unusable;
  if (failures > 0 && inputs.pictures() > 1)
    complain(fmt::format("{} of {} pictures could not be classified", failures, inputs.pictures()));
  return failures > 0 ? 1 : 0;
}

}  // namespace

void register_predict(Registry& registry) { registry.add("predict", {"says what pictures show", predict}); }

}  // namespace tessera::cli
