#include "tessera/ops/concat_channels.h"

#include "tessera/ops/tokens.h"

namespace tessera::ops {

Tensor concat_channels(const std::vector<Tensor>& parts) {
  TESSERA_CHECK(!parts.empty() && parts[0].rank() > 0, "concat_channels: there must be parts of shape (…, C)");
  Shape joined = parts[0].shape();
  joined[-1] = 0;
  std::vector<Tensor> pixels;  // (P, C_i, 1): channels join as tokens of one number do
  for (const Tensor& part : parts) {
    Shape shape = part.shape();
    TESSERA_CHECK(shape.rank() == joined.rank() && shape[-1] > 0,
                  "concat_channels: a part {} does not fit to the first one, {}", to_string(shape),
                  to_string(parts[0].shape()));
    const int64_t C = shape[-1];
    pixels.push_back(part.reshape({part.numel() / C, C, 1}));
    shape[-1] = joined[-1];
    TESSERA_CHECK(shape == joined, "concat_channels: a part {} does not fit to the first one, {}",
                  to_string(part.shape()), to_string(parts[0].shape()));
    joined[-1] += C;
  }
  return concat_tokens(pixels).reshape(joined);
}

}  // namespace tessera::ops
