// Dropout and drop path with the words of core/random.h: Srivastava et al. (2014), Huang et al. (2016).
#pragma once

#include <string_view>

#include "tessera/core/random.h"
#include "tests/harness/array.h"
#include "tests/harness/op_case.h"

namespace tessera::test {

// x (B, …) -> the same shape
template <class T>
Array<T> ref_dropout(const Array<T>& x, float p, std::string_view path, bool whole_samples) {
  Array<T> y(x.shape);
  const int64_t B = x.size(0), n = x.shape.numel() / B;
  const uint64_t key = random_key(kSeed, path);
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t i = 0; i < n; ++i) {
      const auto k = static_cast<uint64_t>(whole_samples ? 0 : i);
      const auto words = random_words(key, kStep, kFirstSample + static_cast<uint64_t>(b), k / 4);
      y[b * n + i] = uniform_from(words[k % 4]) >= p ? x[b * n + i] / T(1 - static_cast<double>(p)) : T(0);
    }
  }
  return y;
}

}  // namespace tessera::test
