#pragma once

#include "tessera/kernels/attention.h"

namespace tessera::kernels {

// Attention with products of whole numbers; a table of biases must have been made dense. False, and nothing done, where
// the machine has no instructions for it or more is asked for than y.
bool attention_s8_forward(const AttentionForward& args);

}  // namespace tessera::kernels
