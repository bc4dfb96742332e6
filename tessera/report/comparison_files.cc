// What a comparison leaves on the disk.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/core/text.h"
#include "tessera/report/comparison.h"

namespace tessera::report {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

ordered_json to_json(const Terms& terms, const ComparedRun& run) {
  return {{"recipe", run.recipe},
          {"share", run.share},
          {"seed", run.seed},
          {"accuracy", run.accuracy},
          {"loss", run.loss},
          {"split", run.split},
          {"model", run.model},
          {"parameters", run.parameters},
          {"macs", run.macs},
          {"training_macs", run.training_macs()},
          {"steps", run.steps},
          {"pictures", run.pictures},
          {"training_pictures", run.training_pictures},
          {"seconds", run.seconds},
          {"folder", run.folder},
          {"data", terms.data},
          {"budget", terms.budget}};
}

ComparedRun run_from(const json& line) {
  return {.recipe = line.at("recipe"),
          .share = line.at("share"),
          .seed = line.at("seed"),
          .model = line.at("model"),
          .parameters = line.at("parameters"),
          .macs = line.at("macs"),
          .steps = line.at("steps"),
          .pictures = line.at("pictures"),
          .training_pictures = line.at("training_pictures"),
          .seconds = line.at("seconds"),
          .split = line.at("split"),
          .accuracy = line.at("accuracy"),
          .loss = line.at("loss").is_null() ? train::kUnknown : line.at("loss").get<double>(),
          .folder = line.at("folder")};
}

std::string text_of(const ordered_json& value) {
  return value.is_string() ? csv_cell(value.get<std::string>()) : value.dump();
}

std::string dump(const ordered_json& line) { return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace); }

// A cell of a Markdown table.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string row(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& text : cells) out += " " + cell(text) + " |";
  return out + "\n";
}

}  // namespace

std::string comparison_markdown(const Comparison& comparison) {
  std::string out = fmt::format("# Comparison\n\nData: `{}`. Each run: {}.\n\n![accuracy](compare.svg)\n\n",
                                comparison.terms.data, comparison.terms.budget);
  const std::vector<std::string> columns = comparison_columns(comparison);
  out += row(columns) + "|---|";
  for (size_t i = 1; i < columns.size(); ++i) out += "--:|";
  out += "\n";
  for (const auto& cells : comparison_rows(comparison)) out += row(cells);
  return out +
         "\nAccuracy: mean ± sample standard deviation over n runs with different seeds. Share: of the training "
         "pictures. Operations: multiply-accumulates of one picture's forward pass, products only. Epochs, minutes "
         "(steps, validations and the final test) and training operations (three times the forward pass of every "
         "picture trained on) are means of the runs.\n";
}

std::string comparison_csv(const Comparison& comparison) {
  std::string out;
  for (const ComparedRun& run : comparison.runs) {
    const ordered_json line = to_json(comparison.terms, run);
    std::string head, values;
    for (const auto& [key, value] : line.items()) {
      head += (head.empty() ? "" : ",") + key;
      values += (values.empty() ? "" : ",") + text_of(value);
    }
    if (out.empty()) out = head + "\n";
    out += values + "\n";
  }
  return out;
}

void save_comparison(const std::filesystem::path& folder, const Comparison& comparison) {
  std::string lines;
  for (const ComparedRun& run : comparison.runs) lines += dump(to_json(comparison.terms, run)) + "\n";
  std::filesystem::create_directories(folder);
  write_atomically(folder / "results.jsonl", lines);
  write_atomically(folder / "results.csv", comparison_csv(comparison));
  write_atomically(folder / "compare.md", comparison_markdown(comparison));
  write_atomically(folder / "compare.svg", comparison_svg(comparison));
}

Comparison load_comparison(const std::filesystem::path& folder) {
  Comparison comparison;
  const std::filesystem::path path = folder / "results.jsonl";
  if (!std::filesystem::exists(path)) return comparison;
  int number = 0;
  for (const std::string& text : split(read_text(path), '\n')) {
    ++number;
    if (text.empty()) continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    try {
      const json line = json::parse(text);
      const Terms terms = {line.at("data"), line.at("budget")};
      TESSERA_CHECK(comparison.runs.empty() || terms == comparison.terms,
                    "{}: a run of {} on {} among runs of {} on {}; take one of them away", where, terms.budget,
                    terms.data, comparison.terms.budget, comparison.terms.data);
      comparison.terms = terms;
      comparison.add(run_from(line));
    } catch (const json::exception&) {
      fail("{}: no result of a run; mend the line, or take it away and run the command of that run again", where);
    }
  }
  return comparison;
}

}  // namespace tessera::report
