// Dropout of attention's probabilities, as both attention kernels take it.
#pragma once

#include <string>

#include "tessera/core/error.h"
#include "tessera/core/random.h"
#include "tessera/ops/training.h"

namespace tessera::ops {

// In training mode `in` gets the rate and what it draws from. elements: probabilities of a sample; an Error, which
// begins with `op` and says what to use instead, where they are too many to draw for.
template <class Inputs>
void set_dropout(Inputs& in, float rate, const std::string& path, int64_t elements, const char* op,
                 const char* instead) {
  const auto& draws = current_training();
  if (!draws || rate <= 0) return;
  TESSERA_CHECK(elements <= int64_t{1} << 34, "{}: dropout cannot draw for {} probabilities of a sample; use {}", op,
                elements, instead);
  in.dropout = rate;
  in.dropout_key = random_key(draws->seed, path);
  in.step = draws->step;
  in.first_sample = draws->first_sample;
}

}  // namespace tessera::ops
