#pragma once

#include "tessera/kernels/attention.h"

namespace tessera::kernels {

// Attention of quantised tokens; a table of biases must have been made dense.
void attention_s8_forward(const AttentionForward& args);

}  // namespace tessera::kernels
