#include "tessera/core/shape.h"

#include <fmt/format.h>

namespace tessera {

int64_t Shape::numel() const {
  int64_t n = 1;
  for (int64_t extent : extents_) n *= extent;
  return n;
}

std::string to_string(const Shape& shape) { return fmt::format("({})", fmt::join(shape.extents(), ", ")); }

}  // namespace tessera
