// The extents of a tensor, row-major: the last axis is contiguous.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace tessera {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> extents) : extents_(extents) {}
  explicit Shape(std::vector<int64_t> extents) : extents_(std::move(extents)) {}

  int rank() const { return static_cast<int>(extents_.size()); }
  // Negative axes count from the back: shape[-1] is the innermost extent.
  int64_t operator[](int axis) const { return extents_[static_cast<size_t>(axis < 0 ? axis + rank() : axis)]; }
  int64_t& operator[](int axis) { return extents_[static_cast<size_t>(axis < 0 ? axis + rank() : axis)]; }
  int64_t numel() const;
  bool operator==(const Shape&) const = default;
  const std::vector<int64_t>& extents() const { return extents_; }

 private:
  std::vector<int64_t> extents_;
};

// "(2, 197, 768)"
std::string to_string(const Shape& shape);

}  // namespace tessera
