// What attention has to do, for profiles.
#pragma once

#include <fmt/format.h>

#include "tessera/kernels/attention.h"
#include "tessera/kernels/profile.h"
#include "tessera/kernels/window_attention.h"

namespace tessera::kernels {

// products: of (Nq, Nk) by d, for each head of each picture.
inline Work work_of(const AttentionInputs& in, const char* name, int products) {
  const double heads = static_cast<double>(in.B * in.h), d = static_cast<double>(in.d);
  const double Nq = static_cast<double>(in.Nq), Nk = static_cast<double>(in.Nk);
  return {fmt::format("{} {} x {} heads, ({}, {}) by {}", name, in.B, in.h, in.Nq, in.Nk, in.d),
          2 * products * heads * Nq * Nk * d, products * heads * (Nq + Nk) * d * 4};
}

// The same within windows; products: of (M, M) by d, for each head of each window.
inline Work work_of(const WindowAttentionInputs& in, const char* name, int products) {
  const double heads = static_cast<double>(in.B * in.grid.windows() * in.h), d = static_cast<double>(in.d);
  const double M = static_cast<double>(in.grid.places());
  return {fmt::format("{} {} x {} windows x {} heads, ({}, {}) by {}", name, in.B, in.grid.windows(), in.h,
                      in.grid.places(), in.grid.places(), in.d),
          2 * products * heads * M * M * d, 2 * products * heads * M * d * 4};
}

}  // namespace tessera::kernels
