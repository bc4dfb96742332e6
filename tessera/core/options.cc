#include "tessera/core/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera {
namespace {

using Texts = std::vector<std::string>;

std::string with(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

bool parse_one(const std::string& text, bool& value) {
  value = text == "true";
  return value || text == "false";
}

template <class Number>
bool parse_one(const std::string& text, Number& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

bool parse_one(const std::string& text, std::string& value) {
  value = text;
  return true;
}

template <class T>
bool parse_all(const Texts& texts, T& value) {
  return !texts.empty() && parse_one(texts.back(), value);
}

template <class T>
bool parse_all(const Texts& texts, std::vector<T>& values) {
  for (const std::string& text : texts) {
    if (!parse_one(text, values.emplace_back())) return false;
  }
  return true;
}

// Calls test on the value, or on each of a list.
template <class T, class Test>
bool all(const T& value, const Test& test) {
  return test(value);
}
template <class T, class Test>
bool all(const std::vector<T>& values, const Test& test) {
  return std::all_of(values.begin(), values.end(), test);
}

}  // namespace

Option& Option::at_least(double bound) {
  least_ = bound;
  least_is_open_ = false;
  return *this;
}

Option& Option::at_most(double bound) {
  most_ = bound;
  most_is_open_ = false;
  return *this;
}

Option& Option::above(double bound) {
  least_ = bound;
  least_is_open_ = true;
  return *this;
}

Option& Option::below(double bound) {
  most_ = bound;
  most_is_open_ = true;
  return *this;
}

Option& Option::one_of(std::vector<std::string> choices) {
  choices_ = std::move(choices);
  return *this;
}

Option& Option::placeholder(std::string text) {
  placeholder_ = std::move(text);
  return *this;
}

Option& Option::positional() {
  positional_ = true;
  return *this;
}

Option& Option::required() {
  required_ = true;
  return *this;
}

Option& Option::local() {
  local_ = true;
  return *this;
}

std::string Option::flag() const { return positional_ ? placeholder() : fmt::format("--{}", with(name_, '_', '-')); }

Option::Value Option::value() const {
  return std::visit([](const auto* variable) { return Value(*variable); }, variable_);
}

std::optional<Option::Value> Option::parse(const Texts& texts) const {
  Texts parts;
  for (const std::string& text : texts) {
    const bool commas = is_list() && (!std::holds_alternative<Texts*>(variable_) || !choices_.empty());
    if (is_list() && text.empty()) continue;
    const Texts more = commas ? split(text, ',') : Texts{text};
    parts.insert(parts.end(), more.begin(), more.end());
  }
  return std::visit(
      [&](const auto* variable) -> std::optional<Value> {
        auto value = std::decay_t<decltype(*variable)>();
        if (!parse_all(parts, value)) return std::nullopt;
        return Value(std::move(value));
      },
      variable_);
}

bool Option::allows(const Value& value) const {
  const auto test = [this](const auto& one) {
    using T = std::decay_t<decltype(one)>;
    if constexpr (std::is_same_v<T, std::string>) {
      return choices_.empty() || std::count(choices_.begin(), choices_.end(), one) > 0;
    } else if constexpr (std::is_same_v<T, bool>) {
      return true;
    } else {
      const auto x = static_cast<double>(one);
      return std::isfinite(x) && (least_is_open_ ? x > least_ : x >= least_) &&
             (most_is_open_ ? x < most_ : x <= most_);
    }
  };
  return std::visit([&](const auto& some) { return all(some, test); }, value);
}

Option& Options::declare(std::string name, Option::Variable variable, std::string help) {
  TESSERA_CHECK(!lookup(name), "the option '{}' is declared twice", name);
  Option& option = options_.emplace_back();
  option.name_ = std::move(name);
  option.variable_ = variable;
  option.help_ = std::move(help);
  option.section_ = section_;
  option.initial_ = option.shown_value();
  return option;
}

const Option* Options::lookup(std::string_view name) const {
  const std::string wanted = with(std::string(name), '-', '_');
  const auto found = std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.name_ == wanted; });
  return found == options_.end() ? nullptr : &*found;
}

const Option& Options::find(std::string_view name) const {
  const Option* option = lookup(name);
  TESSERA_CHECK(option, "unknown option '{}'{}", name, did_you_mean(name, names()));
  return *option;
}

Option& Options::find(std::string_view name, const std::string& where) {
  const Option* option = lookup(name);
  if (!option) fail_usage("{}: unknown option '{}'{}", where, name, did_you_mean(name, names()));
  return const_cast<Option&>(*option);
}

// flag: "--learning-rate" or, for a bool, also "--no-flag", which sets `negated`.
Option& Options::find_flag(std::string_view flag, bool& negated) {
  Texts known{"--help"};
  for (Option& option : options_) {
    if (option.positional_) continue;
    const std::string name = option.flag().substr(2);
    const std::string wanted = with(std::string(flag.substr(std::min<size_t>(2, flag.size()))), '_', '-');
    negated = option.is_bool() && wanted == fmt::format("no-{}", name);
    if (flag.starts_with("--") && (wanted == name || negated)) return option;
    known.push_back(fmt::format("--{}", name));
    if (option.is_bool()) known.push_back(fmt::format("--no-{}", name));
  }
  fail_usage("unknown option '{}'{}", flag, did_you_mean(flag, known));
}

void Options::require(const Option& option, const std::optional<Option::Value>& value, const std::string& text,
                      Source source, const std::string& where) {
  if (value && option.allows(*value)) return;
  const std::string label = source == Source::file   ? fmt::format("{}: '{}'", where, option.name_)
                            : where.starts_with('-') ? fmt::format("option '{}'", where)
                                                     : fmt::format("argument {}", where);
  fail_usage("{} must be {}, but it is '{}'{}", label, option.takes(), text, did_you_mean(text, option.choices_));
}

void Options::put(Option& option, const std::optional<Option::Value>& value, const std::string& text, Source source,
                  const std::string& where) {
  require(option, value, text, source, where);
  if (source < option.source_) return;
  std::visit([&](auto* variable) { *variable = std::get<std::decay_t<decltype(*variable)>>(*value); },
             option.variable_);
  option.source_ = source;
  option.where_ = where;
}

bool Options::asks_for_help(const Texts& arguments) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::any_of(arguments.begin(), end, [](const std::string& word) { return word == "--help" || word == "-h"; });
}

void Options::parse(const Texts& arguments) {
  std::map<Option*, Texts> lists;  // what the repetitions of a flag gave
  const auto give = [&](Option& option, const std::string& text) {
    Texts& texts = lists[&option];
    if (!option.is_list()) texts.clear();
    texts.push_back(text);
    put(option, option.parse(texts), text, Source::flag, option.flag());
  };
  std::vector<Option*> places;
  for (Option& option : options_) {
    if (option.positional_) places.push_back(&option);
  }
  size_t place = 0;
  bool only_places = false;  // behind "--"
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (!only_places && word == "--") {
      only_places = true;
    } else if (only_places || word.size() < 2 || word[0] != '-') {
      if (place == places.size()) {
        Texts flags;
        for (const Option& option : options_) flags.push_back(option.flag());
        fail_usage("unexpected argument '{}'{}", word, did_you_mean(fmt::format("--{}", word), flags));
      }
      give(*places[place], word);
      if (!places[place]->is_list()) ++place;
    } else {
      const size_t equals = word.find('=');
      bool negated = false;
      Option& option = find_flag(word.substr(0, equals), negated);
      if (equals != std::string::npos) {
        if (negated)
          fail_usage("option '{}' takes no value, but it is given '{}'", word.substr(0, equals),
                     word.substr(equals + 1));
        give(option, word.substr(equals + 1));
      } else if (option.is_bool()) {
        give(option, negated ? "false" : "true");
      } else {
        if (i + 1 == arguments.size() || arguments[i + 1].starts_with("--")) {
          fail_usage("option '{}' needs a value: {}", option.flag(), option.takes());
        }
        give(option, arguments[++i]);
      }
    }
  }
}

void Options::set(std::string_view name, const std::string& text, Source source, const std::string& where) {
  Option& option = find(name, where);
  put(option, option.parse({text}), text, source, where);
}

void Options::set_pairs(const Texts& pairs, const std::string& flag) {
  for (const std::string& pair : pairs) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      fail_usage("option '{}' takes KEY=VALUE, but it is '{}'", flag, pair);
    const std::string name = pair.substr(0, equals);
    Option& option = find(name, flag);
    const std::string text = pair.substr(equals + 1);
    put(option, option.parse({text}), text, Source::flag, fmt::format("{} {}", flag, option.name_));
  }
}

void Options::check_required() const {
  for (const Option& option : options_) {
    if (option.required_ && option.source_ == Source::initial) {
      fail_usage("{} '{}' is missing: {}", option.positional_ ? "argument" : "option", option.flag(), option.help_);
    }
  }
}

void Options::check_values(const std::string& where) const {
  for (const Option& option : options_) require(option, option.value(), option.shown_value(), Source::file, where);
}

std::string Options::source_of(std::string_view name) const { return find(name).where_; }

std::vector<std::string> Options::names() const {
  Texts names;
  for (const Option& option : options_) names.push_back(option.name_);
  return names;
}

}  // namespace tessera
