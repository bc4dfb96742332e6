// tessera eval: how good a model is on a data set.
#include <nlohmann/json.hpp>

#include "tessera/cli/data_choice.h"
#include "tessera/cli/evaluate.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/parallel.h"
#include "tessera/image/encode_png.h"
#include "tessera/report/confusion.h"
#include "tessera/train/calibration.h"

namespace tessera::cli {
namespace {

struct EvalOptions {
  WeightsChoice weights;
  DataChoice data;
  std::string split = "test";
  int64_t batch = 64, threads = 0;
  std::string precision = "f32";
  bool eval_flip = false, calibration = false, json = false;
  std::string confusion;

  void visit(Options& o) {
    weights.visit(o);
    o.section("Data");
    data.visit(o);
    o("split", split, "part of the data set").one_of({"test", "val", "train"});
    o("batch", batch, "pictures that go through the model at once").at_least(1);
    o("threads", threads, "0: one for each core").at_least(0);
    o("precision", precision, "of the products; bf16: faster where the machine has it").one_of({"f32", "bf16"});
    o("eval_flip", eval_flip, "the mean of the logits of each picture and its mirror image");
    o.section("Output");
    o("calibration", calibration,
      "how far the probabilities can be believed, and the temperature that would make them so");
    o("json", json, "one JSON object");
    o("confusion", confusion, "writes the confusion matrix").placeholder("FILE.png|.csv");
  }
};

// Calibration as it is, and at the temperature that suits these pictures best.
struct Believed {
  explicit Believed(const Evaluation& result) {
    const int64_t K = result.metrics.num_classes();
    plain = train::calibration(result.logits, result.labels, K);
    temperature = train::best_temperature(result.logits, result.labels, K);
    scaled = train::calibration(result.logits, result.labels, K, temperature);
  }
  train::Calibration plain, scaled;
  double temperature = 1;
};

nlohmann::ordered_json as_json(const Believed& b) {
  const auto numbers = [](const train::Calibration& c) {
    return nlohmann::ordered_json{{"loss", c.loss}, {"brier", c.brier}, {"ece", c.ece}, {"mce", c.mce}};
  };
  nlohmann::ordered_json json = numbers(b.plain);
  json["temperature"] = b.temperature;
  json["scaled"] = numbers(b.scaled);
  return json;
}

void print_believed(const Believed& b) {
  print("ECE       {:.2f} % (15 bins; the largest {:.2f} %)\nBrier     {:.4f}\n", 100 * b.plain.ece, 100 * b.plain.mce,
        b.plain.brier);
  print("at temperature {:.4g}, the best for these pictures: loss {:.4f}, ECE {:.2f} %, Brier {:.4f}\n", b.temperature,
        b.scaled.loss, 100 * b.scaled.ece, b.scaled.brier);
}

void print_json(const EvalOptions& o, const Evaluation& result, const std::vector<std::string>& names) {
  const train::Metrics& m = result.metrics;
  nlohmann::ordered_json json = {{"model", o.weights.weights},
                                 {"data", o.data.data},
                                 {"split", o.split},
                                 {"pictures", m.count()},
                                 {"unreadable", result.unreadable.size()},
                                 {"top1", m.accuracy()},
                                 {"top5", m.top(5)},
                                 {"loss", m.loss()},
                                 {"macro_f1", m.macro_f1()}};
  const auto scores = m.per_class();
  for (size_t k = 0; k < scores.size(); ++k) {
    json["classes"].push_back({{"name", names[k]},
                               {"pictures", scores[k].support},
                               {"accuracy", scores[k].recall()},
                               {"precision", scores[k].precision()},
                               {"f1", scores[k].f1()}});
    const auto row = m.confusion().subspan(k * scores.size(), scores.size());
    json["confusion"].push_back(std::vector<int64_t>(row.begin(), row.end()));
  }
  if (o.calibration) json["calibration"] = as_json(Believed(result));
  print("{}\n", json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void print_text(const EvalOptions& o, const data::DataSets& sets, const Evaluation& result,
                const std::vector<std::string>& names) {
  const train::Metrics& m = result.metrics;
  const auto percent = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
  print("data      {}\npictures  {}\ntop-1     {}\n", sets.what, grouped(m.count()), percent(m.accuracy()));
  if (m.num_classes() > 5) print("top-5     {}\n", percent(m.top(5)));
  print("loss      {:.4f}\nmacro F1  {:.4f}\n", m.loss(), m.macro_f1());
  if (o.calibration) print_believed(Believed(result));
  print("\n");
  Table table({"class", "pictures", "accuracy", "precision", "F1"}, "lrrrr");
  const auto scores = m.per_class();
  for (size_t k = 0; k < scores.size(); ++k)
    table.add({names[k], grouped(scores[k].support), percent(scores[k].recall()), percent(scores[k].precision()),
               fmt::format("{:.4f}", scores[k].f1())});
  print("{}\nTrue classes are rows, predicted ones columns:\n\n{}", table.text(),
        report::confusion_text(m.confusion(), names));
}

void write_confusion(const std::string& path, const Evaluation& result, const std::vector<std::string>& names) {
  const train::Metrics& m = result.metrics;
  if (path.ends_with(".png")) {
    write_atomically(path, image::encode_png(report::confusion_picture(m.confusion(), m.num_classes())));
  } else {
    write_atomically(path, report::confusion_csv(m.confusion(), names));
  }
}

int eval(const Arguments& arguments) {
  EvalOptions o;
  Options options("tessera eval MODEL --data DATA [OPTIONS]", "Measures a model on a data set.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (!o.confusion.empty() && !o.confusion.ends_with(".png") && !o.confusion.ends_with(".csv"))
    fail_usage("option '--confusion' takes a file that ends in .png or .csv, but it is '{}'", o.confusion);
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  const infer::Classifier classifier = o.weights.load().with_precision(ops::precision_named(o.precision));
  const data::DataSets sets = o.data.open(/*train=*/o.split == "train");
  const auto set = o.data.part(sets, o.split);
  check_classes(classifier.num_classes(), classifier.info().class_names, o.weights.weights, *set, o.data.data);
  const Evaluation result = evaluate(classifier, set, {o.batch, o.eval_flip, o.calibration});
  const std::vector<std::string>& names = set->class_names();
  if (o.json) {
    print_json(o, result, names);
  } else {
    print_text(o, sets, result, names);
  }
  if (!o.confusion.empty()) write_confusion(o.confusion, result, names);
  for (const std::string& note : sets.notes) complain(fmt::format("note: {}", note));
  for (const std::string& why : result.unreadable) complain(why);
  if (result.unreadable.empty()) return 0;
  complain(fmt::format("{} of {} pictures could not be read", result.unreadable.size(), set->size()));
  return 1;
}

}  // namespace

void register_eval(Registry& registry) { registry.add("eval", {"measures a model on a data set", eval}); }

}  // namespace tessera::cli
