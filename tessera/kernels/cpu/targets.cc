#include "tessera/kernels/cpu/targets.h"

#include <hwy/highway.h>

namespace tessera::kernels {

std::vector<int64_t> simd_targets() {
  std::vector<int64_t> targets;
  hwy::SetSupportedTargetsForTest(0);
  const int64_t available = hwy::SupportedTargets() & HWY_TARGETS;
  for (int64_t bits = available; bits != 0; bits &= bits - 1) targets.push_back(bits & -bits);
  return targets;
}

std::string simd_target_name(int64_t target) { return hwy::TargetName(target); }

void set_simd_target(int64_t target) {
  hwy::SetSupportedTargetsForTest(target);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace tessera::kernels
