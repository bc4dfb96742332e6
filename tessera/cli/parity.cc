// tessera parity: are these the numbers of the original, and if not, since where and why?
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/cli/registry.h"
#include "tessera/cli/walk.h"
#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/formats/npy.h"
#include "tessera/infer/parity/search.h"

namespace tessera::cli {
namespace {

using namespace parity;

struct ParityOptions {
  WeightsChoice weights;
  std::vector<std::string> input;
  std::string expect, positions_from;
  double tolerance = 0, search = 60;
  int64_t threads = 0;
  bool json = false, exif = true;

  void visit(Options& o) {
    weights.visit(o);
    o.section("The original");
    o("expect", expect,
      "what it computed: its logits (.npy), or a file of arrays with logits, intermediates, and perhaps input and "
      "pixels; docs/reference.py writes one beside timm, torchvision, Hugging Face or any other model of PyTorch")
        .placeholder("FILE")
        .required();
    o("input", input,
      "what it was given: .npy, float32 (B, C, H, W) or (B, H, W, C), normalised, or uint8 pixels (B, H, W, 3); "
      "pictures, folders of them; by default the file's own 'input'")
        .placeholder("PATH");
    o("exif", exif, "turns pictures as their EXIF says; timm, torchvision and Hugging Face do not");
    o.section("Comparing");
    o("tolerance", tolerance,
      "relative difference allowed at every tensor; 0: ten times what float32 may lose at each, as measured")
        .at_least(0);
    o("search", search, "seconds that pairs of causes are tried for where no single one explains it; 0: none")
        .at_least(0);
    o("positions_from", positions_from,
      "weights with the positions as they were before MODEL was made of them; by default MODEL itself")
        .placeholder("FILE");
    o("threads", threads, "0: one for each core").at_least(0);
    o("json", json, "the findings as a JSON object");
  }
};

Setup setup_of(const infer::Classifier& classifier, bool exif) {
  Setup setup{.architecture = classifier.model().architecture(),
              .preprocess = classifier.preprocess(),
              .orientation = exif ? image::Orientation::apply : image::Orientation::ignore};
  for (const nn::Parameter& parameter : classifier.model().state())
    setup.parameters[parameter.name] = *parameter.tensor;
  return setup;
}

bool is_quantised(const Setup& setup) {
  return std::any_of(setup.parameters.begin(), setup.parameters.end(),
                     [](const auto& parameter) { return parameter.second.is_quantised(); });
}

Shown shown_by(const ParityOptions& o, Reference& reference, const models::PictureSize& size) {
  if (o.input.empty()) {
    TESSERA_CHECK(reference.input, "{}: it holds no 'input'; give what the original was given with --input PATH",
                  o.expect);
    Shown shown(reference.input);
    reference.input = {};
    return shown;
  }
  if (lower_extension(o.input[0]) == ".npy") {
    if (o.input.size() > 1) fail_usage("option '--input' takes one .npy file, or pictures");
    return Shown(formats::read_npy(o.input[0]), size, o.input[0]);
  }
  Walk walk(o.input);
  std::vector<std::filesystem::path> pictures;
  while (const auto path = walk.next()) pictures.push_back(*path);
  return Shown(std::move(pictures));
}

// MODEL again, or the weights that its tables come from, brought to its size.
weights::LoadedModel load_again(const ParityOptions& o, const Setup& setup,
                                const std::function<void(weights::FillOptions&)>& change) {
  weights::LoadOptions options = o.weights.source.load_options();
  if (!o.positions_from.empty()) {
    const auto keys = nlohmann::json::parse(setup.architecture);
    options = {.fill = {.fresh_head = true, .ignore = {"*"}}};
    for (const char* key : {"img_size", "patch_size", "num_heads"})
      if (keys.contains(key)) options.set.emplace_back(key, keys[key].dump());
  }
  options.fill.purpose = weights::Purpose::use;
  change(options.fill);
  return weights::load_model(o.positions_from.empty() ? model_file(o.weights.weights) : o.positions_from, options);
}

std::vector<Suspect> suspects_for(const ParityOptions& o, const Setup& setup, bool pictures) {
  std::vector<Suspect> all = suspects_of_input(setup, pictures);
  const auto load = [&](const std::function<void(weights::FillOptions&)>& change) {
    return load_again(o, setup, change);
  };
  for (auto& some : {suspects_of_architecture(setup), suspects_of_weights(setup), suspects_of_resizing(load)})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

std::string short_number(double x) { return fmt::format("{:.1e}", x); }

void print_rows(const std::vector<Row>& rows) {
  Table table({"tensor", "largest", "absolute", "relative", "allowed", ""}, "lrrrrl");
  for (const Row& row : rows) {
    if (row.misfit.empty()) {
      table.add({row.name, fmt::format("{:.4g}", row.largest), short_number(row.absolute), short_number(row.relative()),
                 short_number(row.allowed), row.agrees() ? "agrees" : "PARTS"});
    } else {
      table.add({row.name, "", "", "", "", "PARTS: " + row.misfit});
    }
  }
  print("{}", table.text());
}

std::string how_it_parts(const Row& row, const Shown& shown) {
  if (!row.misfit.empty()) return fmt::format("{} does not fit: {}", row.name, row.misfit);
  const std::string where = shown.count() > 1 ? ", most in " + shown.name(row.worst) : "";
  if (row.name == "pixels") return fmt::format("pixels part first: by up to {} of 255{}", row.absolute, where);
  if (!std::isfinite(row.absolute)) return fmt::format("{} parts first: ours is not finite{}", row.name, where);
  return fmt::format("{} parts first: relative {}, allowed {}{}", row.name, short_number(row.relative()),
                     short_number(row.allowed), where);
}

std::string names_of(const Attempt& attempt, const std::vector<Suspect>& suspects) {
  std::string names;
  for (const size_t i : attempt.suspects) names += (names.empty() ? "" : " together with ") + suspects[i].name;
  return names;
}

// Small differences from the first tensor on, which grow no further: the original multiplied in fewer bits.
bool looks_like_half_precision(const std::vector<Row>& rows) {
  constexpr double kLeast = 1e-5, kMost = 3e-2;
  return rows.size() > 1 && std::all_of(rows.begin(), rows.end(), [](const Row& row) {
           return row.name == "input" || (row.misfit.empty() && row.relative() > kLeast && row.relative() < kMost);
         });
}

void print_findings(const Findings& findings, const std::vector<Suspect>& suspects, const std::vector<Row>& rows) {
  constexpr size_t kShown = 5;
  if (findings.agree.empty()) {
    print("None of {} alternatives agrees{}.\n", findings.tried,
          findings.all_pairs ? "" : "; --search SECONDS gives pairs of them more time");
    for (size_t i = 0; i < std::min(kShown, findings.nearer.size()); ++i) {
      const Attempt& attempt = findings.nearer[i];
      print("Nearer with {}: {} parts first, relative {}.\n", names_of(attempt, suspects),
            rows[attempt.score.first].name, short_number(attempt.score.error));
    }
    if (std::none_of(suspects.begin(), suspects.end(),
                     [](const Suspect& s) { return s.name.find("resized as") != std::string::npos; }))
      print("If the positions were resized, --positions-from WEIGHTS tries each way of doing it.\n");
    if (looks_like_half_precision(rows))
      print(
          "Differences like these are what products of 16 bits (or TF32) leave: let the original compute in "
          "float32.\n");
    if (rows.size() == 1)
      print("Intermediates beside the logits would tell the place: docs/reference.py writes them.\n");
    return;
  }
  const Attempt& best = findings.agree[0];
  print("Agrees with {}.\n", names_of(best, suspects));
  for (const size_t i : best.suspects) print("  {}\n", suspects[i].advice);
  for (size_t i = 1; i < std::min(kShown, findings.agree.size()); ++i)
    print("Agrees as well with {}.\n", names_of(findings.agree[i], suspects));
}

void print_json(const std::vector<Row>& rows, const Findings& findings, const std::vector<Suspect>& suspects) {
  const auto number = [](double x) { return std::isfinite(x) ? fmt::format("{:.6g}", x) : "null"; };
  const auto first = std::find_if(rows.begin(), rows.end(), [](const Row& row) { return !row.agrees(); });
  print("{{\"agrees\": {}, \"first\": {}, \"tensors\": [", first == rows.end(),
        first == rows.end() ? "null" : json_text(first->name));
  for (size_t i = 0; i < rows.size(); ++i)
    print("{}\n{{\"name\": {}, \"absolute\": {}, \"relative\": {}, \"allowed\": {}, \"agrees\": {}}}", i ? "," : "",
          json_text(rows[i].name), number(rows[i].misfit.empty() ? rows[i].absolute : INFINITY),
          number(rows[i].misfit.empty() ? rows[i].relative() : INFINITY), number(rows[i].allowed), rows[i].agrees());
  print("],\n\"tried\": {}, \"causes\": [", findings.tried);
  for (size_t i = 0; i < findings.agree.size(); ++i) {
    print("{}[", i ? ", " : "");
    for (size_t k = 0; k < findings.agree[i].suspects.size(); ++k) {
      const Suspect& suspect = suspects[findings.agree[i].suspects[k]];
      print("{}{{\"name\": {}, \"advice\": {}}}", k ? ", " : "", json_text(suspect.name), json_text(suspect.advice));
    }
    print("]");
  }
  print("]}}\n");
}

int parity(const Arguments& arguments) {
  ParityOptions o;
  Options options("tessera parity MODEL --expect FILE [--input PATH] [OPTIONS]",
                  "Compares a model's numbers with those of its original, and looks for the cause where they differ. "
                  "Exit code 0 where all agree, 1 where not.");
  o.visit(options);
  if (!parse(options, arguments)) return 0;
  if (o.threads) set_num_threads(static_cast<int>(o.threads));

  const infer::Classifier classifier = o.weights.load();
  const Setup setup = setup_of(classifier, o.exif);
  TESSERA_CHECK(!is_quantised(setup) || o.tolerance > 0,
                "{}: weights of 8 bits differ from the original's by what they lost; say how much is allowed with "
                "--tolerance T",
                o.weights.weights);
  Reference reference = read_reference(o.expect, classifier.input());
  const Shown shown = shown_by(o, reference, classifier.input());
  Comparer comparer(shown, reference, o.tolerance);
  const std::vector<Row> rows = comparer.rows(setup);
  const auto first = std::find_if(rows.begin(), rows.end(), [](const Row& row) { return !row.agrees(); });
  if (!o.json) {
    print_rows(rows);
    if (!comparer.unknown().empty())
      print("Not compared, since this model has none: {}\n", list_some(comparer.unknown(), 8));
  }
  if (first == rows.end()) {
    if (o.json) print_json(rows, {}, {});
    if (!o.json) print("\nAll agree.\n");
    return 0;
  }
  if (!o.json) print("\n{}.\n", how_it_parts(*first, shown));
  flush();
  std::vector<Suspect> suspects;  // none that would change a shape, or whole numbers
  if (first->misfit.empty() && !is_quantised(setup)) suspects = suspects_for(o, setup, shown.has_pictures());
  const Findings findings = search(comparer, setup, suspects, o.search);
  if (o.json) {
    print_json(rows, findings, suspects);
  } else if (!suspects.empty()) {
    print_findings(findings, suspects, rows);
  }
  return 1;
}

}  // namespace

void register_parity(Registry& registry) {
  registry.add("parity", {"compares a model's numbers with those of its original", parity});
}

}  // namespace tessera::cli
