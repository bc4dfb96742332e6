#include "tessera/kernels/cpu/attention_bias.h"

#include "tessera/core/parallel.h"

namespace tessera::kernels {

Floats bias_from_table(const AttentionInputs& in) {
  const int64_t pairs = in.Nq * in.Nk;
  Floats bias(in.h * pairs);
  parallel_for(in.h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head)
      for (int64_t t = 0; t < pairs; ++t) bias.data()[head * pairs + t] = in.bias_table[in.bias_index[t] * in.h + head];
  });
  return bias;
}

void bias_to_table(const AttentionInputs& in, const float* dbias, const Grad& dtable) {
  const int64_t pairs = in.Nq * in.Nk;
  parallel_for(in.h, 1, [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      for (int64_t row = 0; row < in.T && !dtable.accumulate; ++row) dtable.data[row * in.h + head] = 0;
      for (int64_t t = 0; t < pairs; ++t) dtable.data[in.bias_index[t] * in.h + head] += dbias[head * pairs + t];
    }
  });
}

}  // namespace tessera::kernels
