#include "tessera/ops/merge_patches.h"

#include "tests/ref/merge_patches.h"

namespace tessera::test {

void register_merge_patches_cases(OpCases& cases) {
  struct Case {
    const char* name;
    int64_t B, H, W, C;
    bool benchmark = false;
  };
  for (const auto& c : {Case{"one token", 1, 1, 1, 3},
                        {"even", 2, 4, 6, 5},
                        {"odd", 3, 5, 3, 4},
                        {"Swin-T after stage 1, B=8", 8, 56, 56, 96, true}}) {
    OpCase result = op_case(
        "merge_patches", c.name, {{.name = "x", .shape = {c.B, c.H * c.W, c.C}}},
        [c](const std::vector<Tensor>& x) { return ops::merge_patches(x[0], c.H, c.W); },
        [c](const auto& x) { return ref_merge_patches(x[0], c.H, c.W); });
    result.benchmark = c.benchmark;
    cases.push_back(result);
  }
}

}  // namespace tessera::test
