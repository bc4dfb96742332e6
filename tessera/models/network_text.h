// Layers as a user writes them: "conv 64 3x3 stride=2", several with commas between them, tables that hold layers, and
// blocks that the user has defined. docs/network.md has the notation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tessera::models {

struct LayerSpec {
  std::string place;                           // where it was written: "layers[3].residual[0]"
  std::string text;                            // as it was written; of a table its kind
  std::string name;                            // "conv", or a table's kind: "residual", "concat", "layers"
  std::vector<std::string> values;             // "64", "3x3"
  std::map<std::string, std::string> options;  // stride -> 2
  // Layers that a table holds: of "residual" one list, of "concat" one for each branch.
  std::map<std::string, std::vector<std::vector<LayerSpec>>> lists;

  // A UsageError "layers[3]: conv 64 3x3: what is wrong".
  [[noreturn]] void complain(const std::string& what) const;
};

// layers: a JSON list. blocks: a JSON object of the user's blocks, each a list of layers with {parameters}; where a
// block is used, it is a LayerSpec "layers" that holds them. What is no layer is a UsageError that names the place.
std::vector<LayerSpec> read_layers(const std::string& layers, const std::string& blocks);

// The words behind a layer's name, taken one by one. What is missing, is not understood or is left over is a UsageError
// that tells the usage.
class LayerWords {
 public:
  // usage: "conv WIDTH KxK [stride=1]"
  LayerWords(const LayerSpec& spec, std::string usage) : spec_(spec), usage_(std::move(usage)) {}

  bool has_value() const { return next_ < spec_.values.size(); }
  std::string value();                                               // the next one
  int64_t number();                                                  // the next one, at least 1
  int64_t square();                                                  // the next one, "3x3"
  double fraction();                                                 // the next one, in [0, 1)
  int64_t option(const char* name, int64_t initial, int64_t least);  // at least `least`
  double positive(const char* name, double initial);                 // above 0
  double fraction(const char* name, double initial);                 // in [0, 1)
  std::string word(const char* name, const std::string& initial);    // any
  std::optional<bool> choice(const char* name);                      // true or false, or nothing
  void done() const;

 private:
  [[noreturn]] void complain(const std::string& what) const;
  int64_t whole(const std::string& text, int64_t least, const std::string& what) const;
  double real(const std::string& text, const std::string& what) const;
  const std::string* find(const char* name);

  const LayerSpec& spec_;
  std::string usage_;
  size_t next_ = 0;
  std::set<std::string> known_;  // options that were asked for
};

}  // namespace tessera::models
