// What people read about options: --help, and "a number above 0" in errors.
#include <fmt/format.h>

#include <cmath>

#include "tessera/core/options.h"
#include "tessera/core/text.h"

namespace tessera {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string shown(bool value) { return value ? "true" : "false"; }
std::string shown(int64_t value) { return fmt::format("{}", value); }
std::string shown(double value) { return fmt::format("{}", value); }
std::string shown(const std::string& value) { return value; }
template <class T>
std::string shown(const std::vector<T>& values) {
  return fmt::format("{}", fmt::join(values, ","));
}

// Wraps at spaces; each line but the first begins with `indent` spaces.
std::string wrapped(const std::string& text, size_t indent, size_t width) {
  std::string out;
  size_t column = indent;
  for (const std::string& word : split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > width) {
      out.append("\n").append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

}  // namespace

std::string Option::range() const {
  const bool lower = std::isfinite(least_), upper = std::isfinite(most_);
  if (lower && upper && !least_is_open_ && !most_is_open_) return fmt::format("from {} to {}", least_, most_);
  std::string text;
  if (lower) text = fmt::format("{} {}", least_is_open_ ? "above" : "at least", least_);
  if (lower && upper) text += " and ";
  if (upper) text += fmt::format("{} {}", most_is_open_ ? "below" : "at most", most_);
  return text;
}

std::string Option::takes() const {
  static constexpr const char* kKinds[] = {"true or false", "a whole number", "a number", "a text",
                                           "whole numbers", "numbers",        "texts"};
  if (!choices_.empty()) return fmt::format("{} {}", is_list() ? "some of" : "one of", fmt::join(choices_, ", "));
  const std::string kind = kKinds[variable_.index()], bounds = range();
  if (bounds.empty()) return kind;
  return fmt::format("{} {}{}", kind, bounds.starts_with("at") ? "of " : "", bounds);
}

std::string Option::placeholder() const {
  static constexpr const char* kKinds[] = {"", "N", "NUMBER", "TEXT", "N,…", "NUMBER,…", "TEXT"};
  if (!placeholder_.empty()) return placeholder_;
  if (positional_) return upper(name_);
  if (choices_.empty()) return kKinds[variable_.index()];
  const std::string all = fmt::format("{}", fmt::join(choices_, "|"));
  return all.size() <= 24 ? all : "NAME";
}

std::string Option::shown_value() const {
  return std::visit([](const auto* variable) { return shown(*variable); }, variable_);
}

std::string Options::help(size_t width, Style style) const {
  constexpr size_t kIndent = 32;  // of the explanations
  const bool flags = style == Style::flags;
  std::string out = fmt::format("{}{}\n", flags ? "Usage: " : "", usage_);
  if (!about_.empty()) out += fmt::format("\n{}\n", wrapped(about_, 0, width));
  const auto line = [&](const std::string& left, const std::string& text) {
    const size_t columns = left.size() - (left.ends_with("…") ? 2 : 0);  // the dots are three bytes
    out.append("  ").append(left);
    if (columns + 4 > kIndent) out.append("\n").append(kIndent, ' ');
    out.append(columns + 4 > kIndent ? 0 : kIndent - columns - 2, ' ')
        .append(wrapped(text, kIndent, width))
        .append("\n");
  };
  const auto describe = [&](const Option& option) {
    std::string left = flags ? option.flag() : option.name_, text = option.help_, value = option.initial_;
    if (!flags) {
      left += fmt::format(" {}", option.is_bool() ? "true|false" : option.placeholder());
    } else if (option.is_bool()) {
      left = fmt::format("--[no-]{}", left.substr(2));
      value = value == "true" ? "on" : "off";
    } else if (!option.positional_) {
      left += fmt::format(" {}", option.placeholder());
    }
    if (!option.choices_.empty() && option.placeholder() == "NAME") text += fmt::format("; {}", option.takes());
    if (const std::string range = option.range(); !range.empty()) text += fmt::format("; {}", range);
    if (option.required_) value = "required";
    if (!value.empty()) text += fmt::format(" [{}]", value);
    line(left, text);
  };
  std::string heading;
  for (const bool positional : {true, false}) {
    for (const Option& option : options_) {
      if (option.positional_ != positional) continue;
      const std::string section = positional ? "Arguments" : option.section_.empty() ? "Options" : option.section_;
      if (section != heading) out += fmt::format("\n{}:\n", section);
      heading = section;
      describe(option);
    }
  }
  if (flags) {
    out += "\n";
    line("--help", "show this text");
  }
  return out;
}

}  // namespace tessera
