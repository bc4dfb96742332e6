// How the axes of an array in a file become those of a parameter, in the notation of einops (https://einops.rocks):
//
//   "o i -> i o"            a transposed matrix
//   "D h d -> (h d) D"      a kernel of Flax's attention (width, heads, head width) as PyTorch's (heads * head width,
//   width)
//
// An extent that the array's shape does not tell, as in "D (y x c) -> D c y x", is given by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/shape.h"

namespace tessera::weights {

using Extents = std::map<std::string, int64_t>;  // of axes, by name

class Rearrange {
 public:
  // "": nothing is done. A text that is none is an Error, which begins with `where`.
  explicit Rearrange(const std::string& pattern, const std::string& where = "rearrange");

  bool is_identity() const { return from_ == to_; }
  const std::string& text() const { return text_; }
  Rearrange inverse() const;

  // The extents of all axes where an array has this shape.
  Extents extents(const Shape& shape, const Extents& known = {}) const;
  // The shape that an array of `shape` gets. What cannot be is an Error without a place.
  Shape result(const Shape& shape, const Extents& known = {}) const;
  // in: the f32 elements of an array of `shape`, at any address -> out, as many, in their new order.
  void apply(std::span<const std::byte> in, const Shape& shape, std::span<float> out, const Extents& known = {}) const;

 private:
  using Side = std::vector<std::vector<std::string>>;  // axes in the order of the memory, each a product of named ones
  static Side parse(std::string_view text, const std::string& where);

  std::string text_;
  Side from_, to_;
};

}  // namespace tessera::weights
