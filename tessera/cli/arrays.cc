#include "tessera/cli/arrays.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "tessera/cli/describe.h"
#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/core/text.h"
#include "tessera/infer/preprocess_of.h"

namespace tessera::cli {
namespace {

// Of a text out of a file: itself where it is short and fits a line, else in quotes.
std::string shown(const std::string& text) {
  constexpr size_t kLongest = 120;
  const bool plain = !text.empty() && text.size() <= kLongest &&
                     std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  return plain ? text : formats::in_quotes(text);
}

void print_metadata(const formats::Metadata& metadata) {
  constexpr size_t kShown = 40;
  if (metadata.empty()) return;
  print("\nBeside the tensors:\n");
  size_t count = 0;
  for (const auto& [key, value] : metadata) {
    if (count++ == kShown) return print("  … and {} more\n", metadata.size() - kShown);
    print("  {} = {}\n", shown(key), shown(value));
  }
}

// What becomes of each array, by its index.
std::vector<std::string> destinations(const weights::WeightFile& file) {
  std::vector<std::string> result(file.arrays.size(), "-");
  for (const weights::Feed& feed : file.feeds) {
    for (const weights::Piece& piece : feed.pieces) {
      const auto& [index, of] = piece.rule.part;
      const std::string part = of > 1 ? fmt::format(" ({} of {})", index + 1, of) : "";
      std::string& text = result[piece.array];
      text = (text == "-" ? "" : text + ", ") + feed.parameter + part;
    }
  }
  return result;
}

struct Sum {
  int64_t elements = 0, bytes = 0;
  void add(const formats::Array& array) {
    elements += array.shape.numel();
    bytes += std::ssize(array.bytes);
  }
};

std::string shape_text(const formats::Array& array) {
  return fmt::format("[{}]", fmt::join(array.shape.extents(), ","));
}

std::string sum_text(size_t tensors, const Sum& sum) {
  return fmt::format("{} tensors with {} elements in {} bytes", tensors, grouped(sum.elements), grouped(sum.bytes));
}

// Prints the names of the arrays that belong to no model.
void print_beside(const formats::NamedArrays& beside) {
  if (beside.empty()) return;
  std::vector<std::string> names;
  Sum sum;
  for (const auto& [name, array] : beside) {
    names.push_back(formats::in_quotes(name));
    sum.add(array);
  }
  print("\nBeside the model: {}: {}\n", sum_text(beside.size(), sum), list_some(names));
}

// The model that the weights make; null where their names are of no known origin. Heads do not change any shape, so
// that a file that does not tell them can be checked all the same.
std::optional<weights::LoadedModel> loaded(const weights::WeightFile& file, weights::LoadOptions options,
                                           bool& heads_known) {
  if (file.architecture.empty() && options.architecture.empty()) return std::nullopt;
  options.fill.purpose = weights::Purpose::use;
  options.fill.fresh_head = true;
  const auto says = [&](const std::string& key) {
    return std::any_of(options.set.begin(), options.set.end(), [&](const auto& pair) { return pair.first == key; });
  };
  heads_known = !std::count(file.unknown.begin(), file.unknown.end(), "num_heads") || says("num_heads") ||
                !options.architecture.empty();
  if (!heads_known) options.set.emplace_back("num_heads", "1");
  return weights::load_model(file, options);
}

}  // namespace

void describe_foreign(const std::filesystem::path& path, const weights::LoadOptions& options, bool shapes) {
  const weights::WeightFile file = weights::open_weights(path, options.naming, weights::said(options));
  bool heads_known = true;
  const auto model = loaded(file, options, heads_known);
  const std::vector<std::string> become = destinations(file);
  Sum sum;
  Table table({"tensor", "type", "shape", "bytes", model ? "becomes" : ""}, "lllrl");
  for (size_t i = 0; i < file.arrays.size(); ++i) {
    const auto& [name, array] = file.arrays[i];
    sum.add(array);
    table.add({formats::in_quotes(name), formats::name_of(array.type), shape_text(array),
               grouped(std::ssize(array.bytes)), model ? become[i] : ""});
  }
  print("{}: weights, {} ({})\n", path.string(), sum_text(file.arrays.size(), sum), file.format);
  if (!file.wrapper.empty()) print("  under          {}\n", formats::in_quotes(file.wrapper));
  print("  origin         {}\n",
        file.origin.empty() ? "names of no known origin; --model, --architecture or --names RULES say what they are"
                            : fmt::format("{} ({})", file.origin, file.convention.about));
  if (model) {
    if (!file.name.empty()) print("  name           {}\n", file.name);
    print_model(*model->model);
    if (!heads_known) print("  heads          not told by the file; say --set num_heads=N\n");
    print("  preprocessing  {}\n", describe(infer::preprocess_of(*model)));
    print_findings(*model->model);
    for (const std::string& remark : remarks(model->account)) print("  note           {}\n", remark);
    if (shapes) print_shapes(*model->model);
    const std::string architecture = model->model->architecture();
    print_object("Architecture", heads_known ? architecture
                                             : models::with_settings(architecture, {{"num_heads", "\"not told\""},
                                                                                    {"head_dim", "\"not told\""}}));
  }
  print("\n{}", table.text());
  print_beside(file.beside);
  print_metadata(file.metadata);
}

void describe_arrays(const std::filesystem::path& path, const formats::ArrayFile& file) {
  Sum sum;
  Table table({"tensor", "type", "shape", "bytes"}, "lllr");
  for (const auto& [name, array] : file.arrays) {
    sum.add(array);
    table.add(
        {formats::in_quotes(name), formats::name_of(array.type), shape_text(array), grouped(std::ssize(array.bytes))});
  }
  print("{}: {} ({})\n\n{}", path.string(), sum_text(file.arrays.size(), sum), file.format, table.text());
  print_metadata(file.metadata);
}

}  // namespace tessera::cli
