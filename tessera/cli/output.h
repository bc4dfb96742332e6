// What commands write: results to standard output, remarks to standard error.
#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "tessera/cli/registry.h"
#include "tessera/core/options.h"

namespace tessera::cli {

// Standard output is closed or full. The reader of a pipe that has gone (EPIPE) is no error to speak of.
struct OutputError : std::system_error {
  using std::system_error::system_error;
};

void write(std::string_view text);  // to standard output
void flush();

template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  write(fmt::format(format, std::forward<Args>(args)...));
}

// "tessera: …" on standard error; always one line.
void complain(std::string_view text);

// Reads the arguments, then whatever `more` reads (a recipe), then looks for what is required and missing. False where
// --help was asked for and has been printed.
bool parse(Options& options, const Arguments& arguments, const std::function<void()>& more = {});

// Columns as wide as their widest cell, two spaces apart.
class Table {
 public:
  // alignment: 'l' or 'r' for each column.
  explicit Table(std::string alignment) : alignment_(std::move(alignment)) {}
  Table(std::vector<std::string> headings, std::string alignment);
  void add(std::vector<std::string> row);
  std::string text() const;

 private:
  std::string alignment_;
  std::vector<std::vector<std::string>> rows_;
};

// "86,567,656"
std::string grouped(int64_t number);
// A JSON string with its quotes; what is no UTF-8 is replaced.
std::string json_text(const std::string& text);

}  // namespace tessera::cli
