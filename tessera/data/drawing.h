// Draws simple forms with smooth edges: what the built-in data set `shapes` is made of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/image/picture.h"

namespace tessera::data {

enum class Form { arrow, bar, circle, crescent, cross, heart, ring, square, star, triangle };
inline constexpr int kForms = 10;
const std::vector<std::string>& form_names();  // in the order of Form

// Where a form lies, in pixels; it stays inside the circle of this radius.
struct Placement {
  Form form = Form::circle;
  float x = 0, y = 0;  // the centre; pixel (i, j) is the square [j, j + 1) x [i, i + 1)
  float radius = 1;
  float cosine = 1, sine = 0;  // of the rotation
};

using Colour = std::array<float, 3>;  // RGB in [0, 1]

enum class Pattern { gradient, stripes, checks, dots };
inline constexpr int kPatterns = 4;

// Two colours in a pattern.
struct Paint {
  Pattern pattern = Pattern::gradient;
  Colour first{}, second{};
  float period = 1;            // of the pattern, in pixels
  float cosine = 1, sine = 0;  // of its direction
  float phase = 0;             // in periods
};

// A square picture being painted, from back to front.
class Canvas {
 public:
  explicit Canvas(int64_t size);
  void fill(const Paint& paint);
  // Pixels that the edge crosses get a part of the colour. What lies outside the canvas is cut off.
  void draw(const Placement& placement, const Paint& paint);
  const float* plane(int channel) const { return planes_.data() + channel * size_ * size_; }  // (size, size)

 private:
  void paint_row(const Paint& paint, int64_t y, int64_t left, int64_t count);

  int64_t size_;
  std::vector<float> planes_;             // (3, size, size)
  std::vector<float> coverage_, weight_;  // of the row being painted, (size)
};

// The smallest rectangle that holds every pixel covered by at least a half, clipped to the canvas. Parts that other
// forms hide count.
image::Rectangle bounds(const Placement& placement, int64_t size);

}  // namespace tessera::data
