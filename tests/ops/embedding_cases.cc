#include "tessera/ops/embedding.h"

#include <algorithm>

#include "tests/harness/op_case.h"
#include "tests/ref/embedding.h"

namespace tessera::test {

void register_embedding_cases(OpCases& cases) {
  // Row 3 is never read, others more than once, and twice none.
  const std::vector<int32_t> index = {2, 0, 2, -1, 4, 4, 1, -1};
  const auto tensor_of = [](Shape shape, const std::vector<int32_t>& values) {
    const Tensor tensor = Tensor::empty(std::move(shape), DType::s32);
    std::copy(values.begin(), values.end(), tensor.data<int32_t>());
    return tensor;
  };
  for (int64_t D : {1, 5, 130}) {
    cases.push_back(op_case(
        "embedding", "D=" + std::to_string(D), {{"table", {5, D}}},
        [x_of = tensor_of({8}, index)](const auto& x) { return ops::embedding(x[0], x_of); },
        [=](const auto& x) { return ref_embedding(x[0], index); }));
  }
  cases.push_back(op_case(
      "embedding", "words of two sentences", {{"table", {5, 7}}},
      [words = tensor_of({2, 4}, index)](const auto& x) { return ops::embedding(x[0], words); },
      [=](const auto& x) {
        auto y = ref_embedding(x[0], index);
        y.shape = Shape{2, 4, 7};
        return y;
      }));
}

}  // namespace tessera::test
