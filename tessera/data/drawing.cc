#include "tessera/data/drawing.h"

#include <algorithm>
#include <cmath>

namespace tessera::data {
namespace {

float length(float u, float v) { return std::sqrt(u * u + v * v); }
float rectangle(float u, float v, float a, float b) { return std::max(std::abs(u) - a, std::abs(v) - b); }

// Cosine and sine of the normals of a regular pentagon and triangle whose corners are on the unit circle.
constexpr float kPentagon[5][2] = {{0, 1},
                                   {0.95105652f, 0.30901699f},
                                   {0.58778525f, -0.80901699f},
                                   {-0.58778525f, -0.80901699f},
                                   {-0.95105652f, 0.30901699f}};
constexpr float kTriangle[3][2] = {{0, 1}, {0.8660254f, -0.5f}, {-0.8660254f, -0.5f}};

// The signed distance from (u, v) to the edge of a form of radius 1: negative inside, exact near a smooth edge.
template <Form form>
float distance(float u, float v) {
  if constexpr (form == Form::arrow) {
    // The head's corners: (0.95, 0) and (0.05, ±0.77).
    const float head = std::max(0.05f - u, 0.6501f * u + 0.7599f * std::abs(v) - 0.6176f);
    return std::min(head, rectangle(u + 0.4f, v, 0.5f, 0.22f));
  } else if constexpr (form == Form::bar) {
    return rectangle(u, v, 0.95f, 0.3f);
  } else if constexpr (form == Form::circle) {
    return length(u, v) - 0.9f;
  } else if constexpr (form == Form::crescent) {  // a disc without another
    return std::max(length(u, v) - 0.95f, 0.75f - length(u - 0.45f, v));
  } else if constexpr (form == Form::cross) {
    return std::min(rectangle(u, v, 0.95f, 0.28f), rectangle(u, v, 0.28f, 0.95f));
  } else if constexpr (form ==
                       Form::heart) {  // a square on its corner, with half a disc on each upper side; v points down
    const float a = 0.74f, w = 0.074f - v;
    return std::min(0.70710678f * (std::abs(u) + std::abs(w) - a),
                    length(std::abs(u) - a / 2, w - a / 2) - 0.70710678f * a);
  } else if constexpr (form == Form::ring) {
    return std::abs(length(u, v) - 0.72f) - 0.2f;
  } else if constexpr (form == Form::square) {
    return rectangle(u, v, 0.7f, 0.7f);
  } else if constexpr (form == Form::star) {
    // Five half planes; a pentagram's points are outside at most one of them. So: the second largest distance.
    float largest = -9, second = -9;
    for (const auto& normal : kPentagon) {
      const float d = normal[0] * u + normal[1] * v;
      second = std::max(second, std::min(largest, d));
      largest = std::max(largest, d);
    }
    return second - 0.30901699f;
  } else {
    float largest = -9;
    for (const auto& normal : kTriangle) largest = std::max(largest, normal[0] * u + normal[1] * v);
    return largest - 0.5f;
  }
}

// How much of each pixel of a row the form covers.
template <Form form>
void cover(const Placement& p, int64_t y, int64_t left, int64_t count, float* coverage) {
  const float scale = 1 / p.radius, dy = (static_cast<float>(y) + 0.5f - p.y) * scale;
  for (int64_t i = 0; i < count; ++i) {
    const float dx = (static_cast<float>(static_cast<int32_t>(left + i)) + 0.5f - p.x) * scale;
    const float d = distance<form>(p.cosine * dx + p.sine * dy, p.cosine * dy - p.sine * dx);
    coverage[i] = std::clamp(0.5f - d * p.radius, 0.0f, 1.0f);
  }
}

using Cover = void (*)(const Placement&, int64_t, int64_t, int64_t, float*);
constexpr Cover kCover[kForms] = {cover<Form::arrow>, cover<Form::bar>,     cover<Form::circle>, cover<Form::crescent>,
                                  cover<Form::cross>, cover<Form::heart>,   cover<Form::ring>,   cover<Form::square>,
                                  cover<Form::star>,  cover<Form::triangle>};

// The place of `value` in its period, in [-1/2, 1/2).
float wrapped(float value) { return value - std::floor(value) - 0.5f; }
// A step from 0 to 1 around 0, `steepness` per unit.
float step(float value, float steepness) { return std::clamp(value * steepness + 0.5f, 0.0f, 1.0f); }

// How much of the second colour a point of the pattern has; (p, q) in periods.
template <Pattern pattern>
float weight(float p, float q) {
  if constexpr (pattern == Pattern::gradient) return 2 * std::abs(wrapped(0.1f * p));
  if constexpr (pattern == Pattern::stripes) return step(std::abs(wrapped(p)) - 0.25f, 4);
  if constexpr (pattern == Pattern::checks) {
    return step((std::abs(wrapped(p)) - 0.25f) * (std::abs(wrapped(q)) - 0.25f), 16);
  }
  return step(0.3f - length(wrapped(p), wrapped(q)), 4);
}

template <Pattern pattern>
void weigh(const Paint& paint, int64_t y, int64_t left, int64_t count, float* weights) {
  const float scale = 1 / paint.period, dy = (static_cast<float>(y) + 0.5f) * scale;
  for (int64_t i = 0; i < count; ++i) {
    const float dx = (static_cast<float>(static_cast<int32_t>(left + i)) + 0.5f) * scale;
    weights[i] =
        weight<pattern>(paint.cosine * dx + paint.sine * dy + paint.phase, paint.cosine * dy - paint.sine * dx);
  }
}

using Weigh = void (*)(const Paint&, int64_t, int64_t, int64_t, float*);
constexpr Weigh kWeigh[kPatterns] = {weigh<Pattern::gradient>, weigh<Pattern::stripes>, weigh<Pattern::checks>,
                                     weigh<Pattern::dots>};

// The pixels from `low` to `high` that exist.
struct Span {
  int64_t begin, end;
};
Span pixels(float low, float high, int64_t size) {
  const float limit = static_cast<float>(size);
  return {static_cast<int64_t>(std::clamp(std::floor(low), 0.0f, limit)),
          static_cast<int64_t>(std::clamp(std::ceil(high), 0.0f, limit))};
}
Span rows(const Placement& p, int64_t size) { return pixels(p.y - p.radius - 1, p.y + p.radius + 1, size); }
Span columns(const Placement& p, int64_t size) { return pixels(p.x - p.radius - 1, p.x + p.radius + 1, size); }

}  // namespace

const std::vector<std::string>& form_names() {
  static const std::vector<std::string> names = {"arrow", "bar",  "circle", "crescent", "cross",
                                                 "heart", "ring", "square", "star",     "triangle"};
  return names;
}

Canvas::Canvas(int64_t size)
    : size_(size),
      planes_(static_cast<size_t>(3 * size * size)),
      coverage_(static_cast<size_t>(size)),
      weight_(static_cast<size_t>(size)) {}

void Canvas::fill(const Paint& paint) {
  std::fill(coverage_.begin(), coverage_.end(), 1.0f);
  for (int64_t y = 0; y < size_; ++y) paint_row(paint, y, 0, size_);
}

void Canvas::draw(const Placement& placement, const Paint& paint) {
  const Span x = columns(placement, size_), y = rows(placement, size_);
  for (int64_t row = y.begin; row < y.end; ++row) {
    kCover[static_cast<int>(placement.form)](placement, row, x.begin, x.end - x.begin, coverage_.data());
    paint_row(paint, row, x.begin, x.end - x.begin);
  }
}

void Canvas::paint_row(const Paint& paint, int64_t y, int64_t left, int64_t count) {
  const float* coverage = coverage_.data();
  float* weights = weight_.data();
  kWeigh[static_cast<int>(paint.pattern)](paint, y, left, count, weights);
  for (size_t c = 0; c < 3; ++c) {
    float* pixel = planes_.data() + (static_cast<int64_t>(c) * size_ + y) * size_ + left;
    const float first = paint.first[c], difference = paint.second[c] - paint.first[c];
    for (int64_t i = 0; i < count; ++i) pixel[i] += coverage[i] * (first + weights[i] * difference - pixel[i]);
  }
}

image::Rectangle bounds(const Placement& placement, int64_t size) {
  const Span x = columns(placement, size), y = rows(placement, size);
  std::vector<float> coverage(static_cast<size_t>(size));
  int64_t top = size, bottom = 0, left = size, right = 0;
  for (int64_t row = y.begin; row < y.end; ++row) {
    kCover[static_cast<int>(placement.form)](placement, row, x.begin, x.end - x.begin, coverage.data());
    for (int64_t i = 0; i < x.end - x.begin; ++i) {
      if (coverage[static_cast<size_t>(i)] < 0.5f) continue;
      top = std::min(top, row);
      bottom = row + 1;
      left = std::min(left, x.begin + i);
      right = std::max(right, x.begin + i + 1);
    }
  }
  return bottom == 0 ? image::Rectangle{} : image::Rectangle{top, left, bottom - top, right - left};
}

}  // namespace tessera::data
