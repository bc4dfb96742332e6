// The bias of attention that is given as a table: dense while the kernels run, no larger per head than its index.
#pragma once

#include "tessera/kernels/attention.h"
#include "tessera/kernels/cpu/floats.h"

namespace tessera::kernels {

// bias[head, i, j] = table[index[i, j], head] -> (h, Nq, Nk)
Floats bias_from_table(const AttentionInputs& in);

// dtable[index[i, j], head] (+)= dbias[head, i, j], dbias (h, Nq, Nk). The order of the sums is fixed.
void bias_to_table(const AttentionInputs& in, const float* dbias, const Grad& dtable);

}  // namespace tessera::kernels
