#include "tessera/ops/tap.h"

namespace tessera::ops {

namespace {
thread_local Taps* listener = nullptr;
}

Taps::Taps(std::function<bool(const std::string&)> wanted) : wanted_(std::move(wanted)) { listener = this; }
Taps::~Taps() { listener = nullptr; }

const Tensor& Taps::at(const std::string& name) const {
  const auto found = values_.find(name);
  if (found != values_.end()) return found->second;
  std::string offered;
  for (const auto& [key, value] : values_) offered += " " + key;
  fail("tap: nothing was offered as '{}'; offered:{}", name, offered);
}

bool tapping() { return listener != nullptr; }

bool tapped(const std::string& name) { return listener && listener->wanted_(name); }

void tap(const std::string& name, const Tensor& value) {
  if (tapped(name)) listener->values_[name] = value;
}

}  // namespace tessera::ops
