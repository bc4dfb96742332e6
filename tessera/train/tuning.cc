#include "tessera/train/tuning.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "tessera/core/error.h"

namespace tessera::train {
namespace {

constexpr std::string_view kBlocks = "blocks:";

// The N of "blocks:N"; 0 where it is something else.
int64_t last_blocks(std::string_view tune) {
  if (!tune.starts_with(kBlocks)) return 0;
  const char* end = tune.data() + tune.size();
  int64_t count = 0;
  const auto [stop, error] = std::from_chars(tune.data() + kBlocks.size(), end, count);
  return error == std::errc() && stop == end ? count : 0;
}

// `*` is any text, also none.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*') return !text.empty() && pattern[0] == text[0] && matches(pattern.substr(1), text.substr(1));
  for (size_t skip = 0; skip <= text.size(); ++skip)
    if (matches(pattern.substr(1), text.substr(skip))) return true;
  return false;
}

// A pattern is a name, the beginning of one ("blocks.0" is the whole block), or has * for anything within.
bool means(const std::string& pattern, const std::string& parameter) {
  return matches(pattern, parameter) || matches(pattern + ".*", parameter);
}

bool is_tuned(const models::Model& model, const nn::Parameter& parameter, const std::string& tune) {
  if (tune == "all") return true;
  const int64_t layer = model.layer_of(parameter.name), head = model.num_layers() - 1;
  if (const int64_t count = last_blocks(tune); count > 0) return layer >= head - count;
  const std::vector<std::string> classifier = model.head_parameters();
  if (std::find(classifier.begin(), classifier.end(), parameter.name) != classifier.end()) return true;
  return tune == "norm_bias" && parameter.tensor->rank() < 2;
}

}  // namespace

void check_tune(const std::string& tune) {
  if (tune == "all" || tune == "head" || tune == "norm_bias" || last_blocks(tune) > 0) return;
  fail_usage("tune takes all, head, blocks:N (the last N, at least 1) or norm_bias, not '{}'", tune);
}

std::set<std::string> tuned_parameters(models::Model& model, const TrainOptions& options) {
  const int64_t blocks = std::max<int64_t>(model.num_layers() - 2, 0);
  if (last_blocks(options.tune) > blocks)
    fail_usage("tune {}: more blocks than the model has ({})", options.tune, blocks);
  const std::vector<nn::Parameter> parameters = model.parameters();
  for (const std::string& pattern : options.freeze) {
    if (std::none_of(parameters.begin(), parameters.end(), [&](const auto& p) { return means(pattern, p.name); }))
      fail_usage("freeze: the model has no parameter '{}'; `tessera info` lists a model file's", pattern);
  }
  std::set<std::string> tuned;
  for (const nn::Parameter& parameter : parameters) {
    const bool frozen = std::any_of(options.freeze.begin(), options.freeze.end(),
                                    [&](const std::string& pattern) { return means(pattern, parameter.name); });
    if (!frozen && is_tuned(model, parameter, options.tune)) tuned.insert(parameter.name);
  }
  return tuned;
}

}  // namespace tessera::train
