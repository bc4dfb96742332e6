#include "tessera/cli/output.h"

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "tessera/core/text.h"

namespace tessera::cli {

void write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size())
    throw OutputError(errno, std::generic_category(), "cannot write to standard output");
}

void flush() {
  if (std::fflush(stdout) != 0) throw OutputError(errno, std::generic_category(), "cannot write to standard output");
}

void complain(std::string_view text) {
  std::string line = fmt::format("tessera: {}", text);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';  // a file's name may hold anything
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

bool parse(Options& options, const Arguments& arguments, const std::function<void()>& more) {
  if (Options::asks_for_help(arguments)) {
    write(options.help());
    return false;
  }
  options.parse(arguments);
  if (more) more();
  options.check_required();
  return true;
}

Table::Table(std::vector<std::string> headings, std::string alignment) : alignment_(std::move(alignment)) {
  add(std::move(headings));
}

void Table::add(std::vector<std::string> row) {
  row.resize(alignment_.size());
  rows_.push_back(std::move(row));
}

std::string Table::text() const {
  std::vector<size_t> widths(alignment_.size());
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - width_of(row[i]), ' ');
      line += alignment_[i] == 'r' ? padding + row[i] : row[i] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string grouped(int64_t number) {
  std::string digits = fmt::format("{}", number);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace tessera::cli
