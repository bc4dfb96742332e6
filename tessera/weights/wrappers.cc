#include "tessera/weights/wrappers.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tessera::weights {
namespace {

// timm's order, and others that are met.
const std::vector<std::string> kDictionaries = {
    "state_dict_ema",   "model_ema", "ema_state_dict", "ema",     "teacher", "state_dict",
    "model_state_dict", "model",     "module",         "network", "net",     "weights",
    "params_ema",       "params",    "student"};

// "state_dict" of "state_dict/module.cls_token", without the last '/'.
std::string dictionary_of(const std::string& name) {
  const size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

// The beginning of a name that wrappers of modules have put there.
size_t wrapped(const std::string& name, size_t begin) {
  for (bool more = true; more;) {
    more = false;
    for (const std::string prefix : {"module.", "_orig_mod."}) {
      if (name.compare(begin, prefix.size(), prefix) != 0) continue;
      begin += prefix.size();
      more = true;
    }
  }
  return begin;
}

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

// What stands in front of the names of the model that `keys` recognise among the names of one dictionary.
std::optional<std::string> prefix_of_model(const std::vector<std::string>& names, const std::vector<std::string>& keys,
                                           const std::vector<std::string>& roots) {
  for (const std::string& key : keys) {
    for (const std::string& name : names) {
      const std::optional<size_t> at = match_tail(key, name);
      if (!at) continue;
      std::string prefix = name.substr(0, *at);
      for (const std::string& root : roots)
        if (ends_with(prefix, root) && (prefix.size() == root.size() || prefix[prefix.size() - root.size() - 1] == '.'))
          return prefix.substr(0, prefix.size() - root.size());
      return prefix;
    }
  }
  return std::nullopt;
}

}  // namespace

void peel(WeightFile& file, const std::vector<std::string>& keys, const std::vector<std::string>& roots) {
  const bool nested = file.format.rfind("PyTorch", 0) == 0;  // else '/' is part of the names
  std::vector<std::string> order = kDictionaries;
  order.emplace_back("");
  std::map<std::string, std::vector<std::string>> inside;  // dictionary -> names without the wrappers of modules
  for (const auto& [name, array] : file.arrays) {
    const std::string dictionary = nested ? dictionary_of(name) : "";
    auto& names = inside[dictionary];
    if (names.empty()) order.push_back(dictionary);
    names.push_back(name.substr(wrapped(name, dictionary.empty() ? 0 : dictionary.size() + 1)));
  }
  for (const std::string& dictionary : order) {
    const auto names = inside.find(dictionary);
    if (names == inside.end()) continue;
    const std::optional<std::string> prefix = prefix_of_model(names->second, keys, roots);
    if (!prefix) continue;

    formats::NamedArrays model;
    size_t next = 0;  // of the names in this dictionary
    for (auto& [name, array] : file.arrays) {
      const bool belongs = !nested || dictionary_of(name) == dictionary;
      const std::string own = belongs ? names->second[next++] : "";
      if (belongs && own.compare(0, prefix->size(), *prefix) == 0) {
        model.emplace_back(own.substr(prefix->size()), array);
        file.wrapper = name.substr(0, name.size() - model.back().first.size());
      } else {
        file.beside.emplace_back(name, array);
      }
    }
    file.arrays = std::move(model);
    return;
  }
}

}  // namespace tessera::weights
