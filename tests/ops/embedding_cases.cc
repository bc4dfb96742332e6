#include "tessera/ops/embedding.h"

#include <algorithm>

#include "tests/harness/op_case.h"
#include "tests/ref/embedding.h"

namespace tessera::test {

void register_embedding_cases(OpCases& cases) {
  const std::vector<int32_t> index = {2, 0, 2, 4, 4, 4, 1};  // row 3 is never read, others more than once
  Tensor index_tensor = Tensor::empty({static_cast<int64_t>(index.size())}, DType::s32);
  std::copy(index.begin(), index.end(), index_tensor.data<int32_t>());
  for (int64_t D : {1, 5, 130}) {
    cases.push_back(op_case(
        "embedding", "D=" + std::to_string(D), {{"table", {5, D}}},
        [=](const auto& x) { return ops::embedding(x[0], index_tensor); },
        [=](const auto& x) { return ref_embedding(x[0], index); }));
  }
}

}  // namespace tessera::test
