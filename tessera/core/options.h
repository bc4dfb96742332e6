// Options, declared once. A struct holds the defaults and names each member in one function; flags, help, recipes,
// range checks and what a model file stores all come from that:
//
//   struct TrainOptions {
//     double learning_rate = 1e-3;
//     std::string optimizer = "adamw";
//     void visit(Options& o) {
//       o.section("Optimiser");
//       o("learning_rate", learning_rate, "peak learning rate").above(0);
//       o("optimizer", optimizer, "update rule").one_of({"adamw", "sgd"});
//     }
//   };
//
//   TrainOptions train;                        // must outlive the Options, which point into it
//   Options options("tessera train [OPTIONS]", "Train a model.");
//   train.visit(options);
//   options.parse(arguments);                  // flags: --learning-rate 0.1, --learning-rate=0.1, --learning_rate 0.1
//   options.read_toml_file(train.recipe);      // a flag wins over the recipe, the recipe over the default, in whatever
//   order they come options.check_required();
//
// Whatever is wrong (an unknown name, a value out of range, NaN, '1.5' for a whole number) is a UsageError that names
// the option and what it takes. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tessera {

// Where a value came from; a later one wins.
enum class Source { initial, file, flag };

// One declared option. The functions refine the declaration and are chained behind it.
class Option {
 public:
  using Value = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                             std::vector<std::string>>;
  using Variable = std::variant<bool*, int64_t*, double*, std::string*, std::vector<int64_t>*, std::vector<double>*,
                                std::vector<std::string>*>;

  // Bounds of a number, or of each number in a list.
  Option& at_least(double bound);
  Option& at_most(double bound);
  Option& above(double bound);
  Option& below(double bound);
  // The texts allowed, or allowed in a list.
  Option& one_of(std::vector<std::string> choices);
  // What --help shows for the value: FILE, DIR, KEY=VALUE.
  Option& placeholder(std::string text);
  // Given by its place on the command line, not by a flag; a list takes all that is left.
  Option& positional();
  Option& required();
  // Says where or how to run (a path, a number of threads), not what comes out: left out of to_json(Stored::results).
  Option& local();

 private:
  friend class Options;

  bool is_list() const { return variable_.index() >= 4; }
  bool is_bool() const { return variable_.index() == 0; }
  std::string flag() const;         // "--learning-rate"
  std::string range() const;        // "above 0", or empty
  std::string takes() const;        // "a number above 0"
  std::string placeholder() const;  // "NUMBER"
  std::string shown_value() const;  // "0.001"
  Value value() const;
  std::optional<Value> parse(const std::vector<std::string>& texts) const;  // a single value is the last text
  bool allows(const Value& value) const;

  std::string name_, help_, section_, placeholder_;
  Variable variable_;
  std::string initial_;  // the default as text
  double least_ = -std::numeric_limits<double>::infinity(), most_ = std::numeric_limits<double>::infinity();
  bool least_is_open_ = false, most_is_open_ = false;
  std::vector<std::string> choices_;
  bool positional_ = false, required_ = false, local_ = false;
  Source source_ = Source::initial;
  std::string where_ = "default";
};

class Options {
 public:
  enum class Stored { all, results };

  // usage: the line behind "Usage:". about: what the command does.
  explicit Options(std::string usage = "", std::string about = "")
      : usage_(std::move(usage)), about_(std::move(about)) {}

  // The heading of the options that are declared next.
  void section(std::string heading) { section_ = std::move(heading); }
  // name: with underscores. T: bool, int64_t, double, std::string, or a vector of the last three.
  template <class T>
  Option& operator()(std::string name, T& member, std::string help) {
    return declare(std::move(name), &member, std::move(help));
  }

  // What follows the command's name. `--name VALUE`, `--name=VALUE`, `--flag`, `--no-flag`, `--` before positional ones
  // that begin with a dash. Of a repeated flag the last one counts; lists grow. Lists of numbers and of choices may be
  // written with commas, free text (paths, KEY=VALUE) is never split.
  void parse(const std::vector<std::string>& arguments);
  static bool asks_for_help(const std::vector<std::string>& arguments);
  enum class Style { flags, keys };  // of a command line, or of a file
  std::string help(size_t width = 100, Style style = Style::flags) const;

  // One value as text. `where` is how errors and source_of() name its origin: a flag or a file.
  void set(std::string_view name, const std::string& text, Source source, const std::string& where);
  // "depth=3" and the like, as given to `flag`, such as "--set".
  void set_pairs(const std::vector<std::string>& pairs, const std::string& flag);

  // Keys are the names of options. Tables only group: "[optimiser] learning_rate = 1" is "learning_rate = 1", and a key
  // may stand in one table only. A table with the name of an option is that option's value, a list of KEY=VALUE texts:
  // "[set] depth = 3" is "set = ['depth=3']".
  void read_toml(std::string_view text, const std::string& where);
  void read_toml_file(const std::filesystem::path& path);
  // An object of names and values. Null leaves an option as it is, one value may stand for a list of one.
  void from_json(std::string_view text, const std::string& where);

  // The values in force, in the order of declaration: one line of JSON, or a recipe with a line each.
  std::string to_json(Stored stored = Stored::all) const;
  std::string to_toml() const;

  // An option that is required and was not given.
  void check_required() const;
  // The values in force, for those that a program has put into the struct itself. Errors begin with `where`.
  void check_values(const std::string& where) const;
  bool is_set(std::string_view name) const { return find(name).source_ != Source::initial; }
  // "default", the file, or the flag.
  std::string source_of(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  struct Files;

  Option& declare(std::string name, Option::Variable variable, std::string help);
  // The option of that name ('-' is '_'), or null; find() throws instead.
  const Option* lookup(std::string_view name) const;
  const Option& find(std::string_view name) const;
  Option& find(std::string_view name, const std::string& where);
  Option& find_flag(std::string_view flag, bool& negated);
  // Throws unless the value, which the user wrote as `text`, is allowed. put() then keeps it unless a stronger source
  // has spoken.
  static void require(const Option& option, const std::optional<Option::Value>& value, const std::string& text,
                      Source source, const std::string& where);
  static void put(Option& option, const std::optional<Option::Value>& value, const std::string& text, Source source,
                  const std::string& where);

  std::string usage_, about_, section_;
  std::deque<Option> options_;
};

}  // namespace tessera
