// Taps: how explanation and tests read inside a model. A layer offers its intermediates by name; whoever listens keeps
// them.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "tessera/core/tensor.h"

namespace tessera::ops {

// While one lives, what is offered on this thread under a wanted name is kept. Taps do not nest.
class Taps {
 public:
  // wanted: which names to keep; all by default.
  explicit Taps(std::function<bool(const std::string&)> wanted = [](const std::string&) { return true; });
  ~Taps();
  Taps(const Taps&) = delete;
  Taps& operator=(const Taps&) = delete;

  const std::map<std::string, Tensor>& values() const { return values_; }
  // The value offered under a name; where it is missing, an Error names what was offered.
  const Tensor& at(const std::string& name) const;

 private:
  friend bool tapped(const std::string& name);
  friend void tap(const std::string& name, const Tensor& value);
  std::function<bool(const std::string&)> wanted_;
  std::map<std::string, Tensor> values_;
};

// Whether anybody listens on this thread.
bool tapping();
// Whether somebody wants this name: only then an expensive intermediate (attention probabilities) is computed.
bool tapped(const std::string& name);
// Offers an intermediate.
void tap(const std::string& name, const Tensor& value);

}  // namespace tessera::ops
