// Numbers as whole multiples of a scale.
#pragma once

#include <cstdint>

#include "tessera/kernels/context.h"

namespace tessera::kernels {

// Row r of x as scale_r·q: scale_r = max_c |x_rc| / 127, q_rc = x_rc / scale_r rounded to the nearest whole number (to
// the even one in the middle). A row of zeros has scale 0, one with a NaN or an infinity the scale NaN.
struct QuantizeRows {
  const float* x;  // (rows, N)
  int8_t* q;       // (rows, N)
  float* scale;    // (rows)
  int64_t rows, N;
};
void quantize_rows(Context& context, const QuantizeRows& args);

// x_rc = scale_r·q_rc
struct DequantizeRows {
  const int8_t* q;     // (rows, N)
  const float* scale;  // (rows)
  float* x;            // (rows, N)
  int64_t rows, N;
};
void dequantize_rows(Context& context, const DequantizeRows& args);

}  // namespace tessera::kernels
