// What attention has to do, for profiles.
#pragma once

#include <fmt/format.h>

#include "tessera/kernels/attention.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

// products: of (Nq, Nk) by d, for each head of each picture.
inline Work work_of(const AttentionInputs& in, const char* name, int products) {
  const double heads = static_cast<double>(in.B * in.h), d = static_cast<double>(in.d);
  const double Nq = static_cast<double>(in.Nq), Nk = static_cast<double>(in.Nk);
  return {fmt::format("{} {} x {} heads, ({}, {}) by {}", name, in.B, in.h, in.Nq, in.Nk, in.d),
          2 * products * heads * Nq * Nk * d, products * heads * (Nq + Nk) * d * 4};
}

}  // namespace tessera::kernels
