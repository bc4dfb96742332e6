#include "tessera/weights/rearrange.h"

#include <algorithm>
#include <cstring>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"

namespace tessera::weights {
namespace {

struct Axis {
  int64_t extent, stride;  // of the input, in elements
};

// Axes of the output, outermost first, those left out that are one with their neighbour.
std::vector<Axis> merged(const std::vector<Axis>& axes) {
  std::vector<Axis> result;
  for (const Axis& axis : axes) {
    if (axis.extent == 1) continue;
    if (!result.empty() && result.back().stride == axis.stride * axis.extent) {
      result.back() = {result.back().extent * axis.extent, axis.stride};
    } else {
      result.push_back(axis);
    }
  }
  if (result.empty()) result.push_back({1, 1});
  return result;
}

// The input's offset of the first element of output row `row`; axes: without the last.
int64_t offset_of(int64_t row, const std::vector<Axis>& axes) {
  int64_t offset = 0;
  for (size_t i = axes.size(); i-- > 0;) {
    offset += row % axes[i].extent * axes[i].stride;
    row /= axes[i].extent;
  }
  return offset;
}

// The element of an array of f32, which in a file may lie anywhere.
float at(const std::byte* in, int64_t index) {
  float value;
  std::memcpy(&value, in + index * static_cast<int64_t>(sizeof value), sizeof value);
  return value;
}

// out, row-major over the axes. A band of rows is written column by column, so that of the input, too, whole cache
// lines are used.
void permute(const std::byte* in, std::vector<Axis> axes, float* out) {
  constexpr int64_t kBand = 64;
  const Axis last = axes.back();
  axes.pop_back();
  int64_t rows = 1;
  for (const Axis& axis : axes) rows *= axis.extent;
  parallel_for((rows + kBand - 1) / kBand, 1, [&](int64_t begin, int64_t end) {
    for (int64_t band = begin; band < end; ++band) {
      const int64_t first = band * kBand, count = std::min(kBand, rows - first);
      int64_t offsets[kBand];
      for (int64_t r = 0; r < count; ++r) offsets[r] = offset_of(first + r, axes);
      if (last.stride == 1) {
        const auto bytes = static_cast<size_t>(last.extent) * sizeof(float);
        for (int64_t r = 0; r < count; ++r)
          std::memcpy(out + (first + r) * last.extent, in + offsets[r] * static_cast<int64_t>(sizeof(float)), bytes);
        continue;
      }
      for (int64_t x = 0; x < last.extent; ++x)
        for (int64_t r = 0; r < count; ++r) out[(first + r) * last.extent + x] = at(in, offsets[r] + x * last.stride);
    }
  });
}

std::vector<std::string> names_of(const std::vector<std::vector<std::string>>& side) {
  std::vector<std::string> names;
  for (const auto& axis : side) names.insert(names.end(), axis.begin(), axis.end());
  return names;
}

}  // namespace

Rearrange::Side Rearrange::parse(std::string_view text, const std::string& where) {
  Side side;
  bool inside = false;
  size_t i = 0;
  const auto complain = [&] { fail("{}: '{}' is no list of axes such as \"(h d) D\"", where, text); };
  while (i < text.size()) {
    const char c = text[i];
    if (c == ' ') {
      ++i;
    } else if (c == '(' || c == ')') {
      if (inside == (c == '(')) complain();
      inside = c == '(';
      if (inside) side.emplace_back();
      ++i;
    } else if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      size_t end = i;
      while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
      if (!inside) side.emplace_back();
      side.back().emplace_back(text.substr(i, end - i));
      i = end;
    } else {
      complain();
    }
  }
  if (inside) complain();
  return side;
}

Rearrange::Rearrange(const std::string& pattern, const std::string& where) : text_(pattern) {
  if (pattern.empty()) return;
  const size_t arrow = pattern.find("->");
  TESSERA_CHECK(arrow != std::string::npos, "{}: '{}' has no arrow; write it as \"o i -> i o\"", where, pattern);
  from_ = parse(std::string_view(pattern).substr(0, arrow), where);
  to_ = parse(std::string_view(pattern).substr(arrow + 2), where);
  std::vector<std::string> left = names_of(from_), right = names_of(to_);
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  TESSERA_CHECK(left == right && std::adjacent_find(left.begin(), left.end()) == left.end(),
                "{}: in '{}' each axis must stand once on either side of the arrow", where, pattern);
}

Rearrange Rearrange::inverse() const {
  Rearrange result("");
  const size_t arrow = text_.find("->");
  if (arrow == std::string::npos) return result;
  result.text_ = text_.substr(arrow + 2) + " -> " + text_.substr(0, arrow);
  result.from_ = to_;
  result.to_ = from_;
  return result;
}

Extents Rearrange::extents(const Shape& shape, const Extents& known) const {
  TESSERA_CHECK(shape.rank() == static_cast<int64_t>(from_.size()), "{} has {} axes, but '{}' takes {}",
                to_string(shape), shape.rank(), text_, from_.size());
  Extents extents;
  for (size_t axis = 0; axis < from_.size(); ++axis) {
    int64_t product = 1;
    std::string open;
    for (const std::string& name : from_[axis]) {
      const auto found = known.find(name);
      const bool alone = from_[axis].size() == 1;
      if (!alone && found != known.end()) {
        extents[name] = found->second;
        product *= found->second;
      } else {
        TESSERA_CHECK(open.empty(), "the extents of '{}' and '{}' in '{}' cannot be told from {}", open, name, text_,
                      to_string(shape));
        open = name;
      }
    }
    const int64_t extent = shape[static_cast<int64_t>(axis)];
    TESSERA_CHECK(product > 0 && (open.empty() ? product == extent : extent % product == 0),
                  "axis {} of {} cannot be {} as '{}' needs it", axis, to_string(shape), product, text_);
    if (!open.empty()) extents[open] = extent / product;
  }
  return extents;
}

Shape Rearrange::result(const Shape& shape, const Extents& known) const {
  if (is_identity()) return shape;
  const Extents sizes = extents(shape, known);
  std::vector<int64_t> result;
  for (const auto& axis : to_) {
    int64_t extent = 1;
    for (const std::string& name : axis) extent *= sizes.at(name);
    result.push_back(extent);
  }
  return Shape(result);
}

void Rearrange::apply(std::span<const std::byte> in, const Shape& shape, std::span<float> out,
                      const Extents& known) const {
  TESSERA_CHECK(in.size() == out.size_bytes(), "rearrange: {} bytes into {}", in.size(), out.size_bytes());
  if (in.empty()) return;
  if (is_identity()) {
    std::memcpy(out.data(), in.data(), in.size());
    return;
  }
  const Extents sizes = extents(shape, known);
  std::map<std::string, int64_t> strides;
  int64_t stride = 1;
  const std::vector<std::string> order = names_of(from_);
  for (size_t i = order.size(); i-- > 0;) {
    strides[order[i]] = stride;
    stride *= sizes.at(order[i]);
  }
  std::vector<Axis> axes;
  for (const std::string& name : names_of(to_)) axes.push_back({sizes.at(name), strides.at(name)});
  permute(in.data(), merged(axes), out.data());
}

}  // namespace tessera::weights
