#include "tessera/cli/arrays.h"

#include <fmt/format.h>

#include <algorithm>

#include "tessera/cli/output.h"

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

}  // namespace

void describe_arrays(const std::filesystem::path& path, const formats::ArrayFile& file) {
  int64_t elements = 0, bytes = 0;
  Table table({"tensor", "type", "shape", "bytes"}, "lllr");
  for (const auto& [name, array] : file.arrays) {
    elements += array.shape.numel();
    bytes += std::ssize(array.bytes);
    table.add({formats::in_quotes(name), formats::name_of(array.type),
               fmt::format("[{}]", fmt::join(array.shape.extents(), ",")), grouped(std::ssize(array.bytes))});
  }
  print(
      "{}: bare weights, {} tensors with {} elements in {} bytes ({}); --model or --architecture says what they "
      "belong to\n\n{}",
      path.string(), file.arrays.size(), grouped(elements), grouped(bytes), file.format, table.text());
  print_metadata(file.metadata);
}

}  // namespace tessera::cli
