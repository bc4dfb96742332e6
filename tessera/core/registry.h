// Named entries (models, data sets, commands) that files add through register_<file>(Registry&).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera {

template <class Entry>
class NamedRegistry {
 public:
  // kind: what an entry is, for messages ("model").
  explicit NamedRegistry(std::string kind) : kind_(std::move(kind)) {}

  void add(const std::string& name, Entry entry) {
    TESSERA_CHECK(entries_.emplace(name, std::move(entry)).second, "the {} '{}' is registered twice", kind_, name);
    names_.push_back(name);
  }
  bool contains(const std::string& name) const { return entries_.count(name) != 0; }
  // An unknown name is a UsageError that tells the nearest known one.
  const Entry& at(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found != entries_.end()) return found->second;
    const std::string known = nearest(name, names_);
    fail_usage("unknown {} '{}'{}", kind_, name, known.empty() ? "" : ", did you mean '" + known + "'?");
  }
  // In the order of registration.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::string kind_;
  std::map<std::string, Entry> entries_;
  std::vector<std::string> names_;
};

}  // namespace tessera
