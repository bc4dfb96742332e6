#include "tessera/weights/rule.h"

#include "tessera/core/error.h"

namespace tessera::weights {
namespace {

constexpr size_t kLongest = 512;  // of names that are looked at: those of hostile files may have megabytes

bool is_separator(char c) { return c == '.' || c == '/'; }

bool is_number(std::string_view text) {
  return !text.empty() && text.size() < 10 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// What stands between the braces: a name, and whether the pattern counts from 1 where the capture counts from 0.
struct Placeholder {
  std::string key;
  bool from_one;
  explicit Placeholder(std::string_view text) : key(text), from_one(text.ends_with("+1")) {
    if (from_one) key.resize(key.size() - 2);
  }
  // The capture of a text that stands in a name; nothing where it is no such number.
  std::optional<std::string> captured(const std::string& text) const {
    if (!from_one) return text;
    if (!is_number(text) || text.front() == '0') return std::nullopt;
    return std::to_string(std::stoll(text) - 1);
  }
  std::string written(const std::string& capture) const {
    if (!from_one) return capture;
    TESSERA_CHECK(is_number(capture), "the rule's '{{{}+1}}' stands for a number, not for '{}'", key, capture);
    return std::to_string(std::stoll(capture) + 1);
  }
};

// Names have few placeholders, so that trying every length is quick.
bool match_from(std::string_view pattern, std::string_view name, Captures& captures) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() != '{')
    return !name.empty() && pattern.front() == name.front() && match_from(pattern.substr(1), name.substr(1), captures);
  const size_t end = pattern.find('}');
  const Placeholder placeholder(pattern.substr(1, end - 1));
  for (size_t length = 1; length <= name.size() && !is_separator(name[length - 1]); ++length) {
    const std::optional<std::string> text = placeholder.captured(std::string(name.substr(0, length)));
    const auto known = captures.find(placeholder.key);
    if (!text || (known != captures.end() && known->second != *text)) continue;
    Captures tried = captures;
    tried[placeholder.key] = *text;
    if (match_from(pattern.substr(end + 1), name.substr(length), tried)) {
      captures = std::move(tried);
      return true;
    }
  }
  return false;
}

}  // namespace

std::optional<Captures> match(std::string_view pattern, std::string_view name) {
  Captures captures;
  if (name.size() > kLongest || !match_from(pattern, name, captures)) return std::nullopt;
  return captures;
}

std::string filled(std::string_view pattern, const Captures& captures) {
  std::string result;
  while (!pattern.empty()) {
    const size_t open = pattern.find('{');
    result += pattern.substr(0, open);
    if (open == std::string_view::npos) break;
    const size_t close = pattern.find('}', open);
    const Placeholder placeholder(pattern.substr(open + 1, close - open - 1));
    result += placeholder.written(captures.at(placeholder.key));
    pattern.remove_prefix(close + 1);
  }
  return result;
}

std::optional<size_t> match_tail(std::string_view pattern, std::string_view name) {
  if (name.size() > kLongest) return std::nullopt;
  for (size_t i = 0; i < name.size(); ++i)
    if ((i == 0 || is_separator(name[i - 1])) && match(pattern, name.substr(i))) return i;
  return std::nullopt;
}

bool matches_glob(std::string_view pattern, std::string_view name) {
  if (name.size() > kLongest) return pattern == "*";
  const size_t star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == name;
  if (name.substr(0, star) != pattern.substr(0, star) || name.size() < star) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (size_t skipped = star; skipped <= name.size(); ++skipped)
    if (matches_glob(rest, name.substr(skipped))) return true;
  return false;
}

}  // namespace tessera::weights
