// Scaled dot-product attention: Vaswani et al. (2017), eq. 1, head by head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tessera/core/random.h"
#include "tests/harness/op_case.h"

namespace tessera::test {

template <class T>
struct RefAttention {
  int64_t heads;
  double scale;
  std::vector<uint8_t> key_mask;  // (B, Nk), or empty
  Array<T> bias;                  // (heads, Nq, Nk), or empty
  double dropout = 0;
  std::string dropout_path = {};
  std::vector<uint8_t> mask = {};  // (B, heads, Nq, Nk), or empty

  // s_ij of every key: scale·<q_i, k_j> + bias; p_j = exp(s_j) / Σ exp(s), 0 where masked.
  std::vector<T> probabilities(const Array<T>& q, const Array<T>& k, int64_t b, int64_t head, int64_t i) const {
    const int64_t Nk = k.size(1), d = q.size(2) / heads;
    std::vector<T> p(static_cast<size_t>(Nk), T(0));
    T largest = T(-1e300), sum = T(0);
    const auto allows = [](const std::vector<uint8_t>& by, int64_t at) {
      return by.empty() || by[static_cast<size_t>(at)];
    };
    const auto seen = [&, Nq = q.size(1)](int64_t j) {
      return allows(key_mask, b * Nk + j) && allows(mask, ((b * heads + head) * Nq + i) * Nk + j);
    };
    for (int64_t j = 0; j < Nk; ++j) {
      T s = bias.data.empty() ? T(0) : bias(head, i, j);
      for (int64_t c = head * d; c < (head + 1) * d; ++c) s += T(scale) * q(b, i, c) * k(b, j, c);
      p[static_cast<size_t>(j)] = s;
      if (seen(j) && s > largest) largest = s;
    }
    for (int64_t j = 0; j < Nk; ++j) {
      T& value = p[static_cast<size_t>(j)];
      value = seen(j) ? exp(value - largest) : T(0);
      sum += value;
    }
    for (T& value : p) value = sum > T(0) ? value / sum : T(0);
    return p;
  }

  // q (B, Nq, heads·d), k and v (B, Nk, heads·d) -> (B, Nq, heads·d)
  Array<T> operator()(const Array<T>& q, const Array<T>& k, const Array<T>& v) const {
    const int64_t B = q.size(0), Nq = q.size(1), Nk = k.size(1), d = q.size(2) / heads;
    Array<T> y(q.shape);
    const uint64_t key = random_key(kSeed, dropout_path);
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t head = 0; head < heads; ++head) {
        for (int64_t i = 0; i < Nq; ++i) {
          const std::vector<T> p = probabilities(q, k, b, head, i);
          for (int64_t j = 0; j < Nk; ++j) {
            const double kept = factor(key, b, (head * Nq + i) * Nk + j);
            for (int64_t c = head * d; c < (head + 1) * d; ++c)
              y(b, i, c) += T(kept) * p[static_cast<size_t>(j)] * v(b, j, c);
          }
        }
      }
    }
    return y;
  }

  // What dropout multiplies an element of (heads, Nq, Nk) with.
  double factor(uint64_t key, int64_t b, int64_t element) const {
    if (dropout == 0) return 1;
    const auto e = static_cast<uint64_t>(element);
    const auto words = random_words(key, kStep, kFirstSample + static_cast<uint64_t>(b), e / 4);
    return uniform_from(words[e % 4]) >= static_cast<float>(dropout) ? 1 / (1 - dropout) : 0;
  }
};

}  // namespace tessera::test
