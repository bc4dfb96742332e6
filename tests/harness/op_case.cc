#include "tests/harness/op_case.h"

#include <cmath>

#include "tessera/core/random.h"

namespace tessera::test {

void register_all(OpCases& cases);  // generated

OpCases all_op_cases() {
  OpCases cases;
  register_all(cases);
  return cases;
}

std::vector<Tensor> make_inputs(const OpCase& c) {
  std::vector<Tensor> tensors;
  for (const Input& input : c.inputs) {
    Random random(kSeed, c.op + "/" + c.name + "/" + input.name);
    Tensor x = Tensor::empty(input.shape);
    for (float& value : x.span()) {
      double v = input.mean + input.deviation * random.normal();
      if (std::abs(v) < input.keep_from_zero) v = std::copysign(input.keep_from_zero, v);
      value = static_cast<float>(v);
    }
    tensors.push_back(x);
  }
  return tensors;
}

Array<double> to_array(const Tensor& x) {
  Array<double> array(x.shape());
  for (int64_t i = 0; i < x.numel(); ++i) array[i] = x.data()[i];
  return array;
}

}  // namespace tessera::test
