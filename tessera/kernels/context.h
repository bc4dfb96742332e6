// What every kernel takes first, and where its gradients go.
#pragma once

#include "tessera/core/allocator.h"

namespace tessera::kernels {

class Profile;

// Where a kernel runs. There is one context today, the CPU's; its threads are those of core/parallel.h.
struct Context {
  Device device = Device::cpu;
  Profile* profile = nullptr;  // gets what kernels do and how long they take (kernels/profile.h)
};

inline Context& cpu_context() {
  static Context context;
  return context;
}

// The buffer that a backward kernel fills: null where nobody wants the gradient; added to where `accumulate`, else
// written.
struct Grad {
  float* data = nullptr;
  bool accumulate = false;
  explicit operator bool() const { return data != nullptr; }
};

}  // namespace tessera::kernels
