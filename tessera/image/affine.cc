#include "tessera/image/affine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"

namespace tessera::image {
namespace {

Picture filled(const Picture& like, const Colour& fill) {
  Picture out(like.height, like.width, like.channels);  // black
  if (fill == Colour{}) return out;
  for (size_t i = 0; i < out.pixels.size(); i += static_cast<size_t>(like.channels))
    std::copy_n(fill.data(), like.channels, out.pixels.data() + i);
  return out;
}

void copy_pixel(const Picture& from, int64_t x, int64_t y, Picture& to, int64_t to_x, int64_t to_y) {
  const int64_t channels = from.channels;
  std::copy_n(from.row(y) + x * channels, channels, to.row(to_y) + to_x * channels);
}

// The input's index for each output, -1 outside: a running sum, in double.
std::vector<int64_t> scaled_indices(double offset, double scale, int64_t n) {
  std::vector<int64_t> indices(static_cast<size_t>(n));
  double at = offset + scale * 0.5;
  for (int64_t& index : indices) {
    index = at < 0 || at >= static_cast<double>(n) ? -1 : static_cast<int64_t>(at);
    at += scale;
  }
  return indices;
}

// Without shear and rotation.
void copy_scaled(const Picture& picture, const Affine& m, Picture& out) {
  const std::vector<int64_t> columns = scaled_indices(m[2], m[0], picture.width);
  const std::vector<int64_t> rows = scaled_indices(m[5], m[4], picture.height);
  for (int64_t y = 0; y < out.height; ++y) {
    const int64_t from_y = rows[static_cast<size_t>(y)];
    if (from_y < 0) continue;
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t from_x = columns[static_cast<size_t>(x)];
      if (from_x >= 0) copy_pixel(picture, from_x, from_y, out, x, y);
    }
  }
}

int64_t fixed(double v) { return static_cast<int64_t>(std::floor(v * 65536.0 + 0.5)); }

// In 16.16 fixed point.
void copy_nearest(const Picture& picture, const Affine& m, Picture& out) {
  const int64_t a = fixed(m[0]), b = fixed(m[1]), d = fixed(m[3]), e = fixed(m[4]);
  const int64_t c = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), f = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x) {
      const int64_t from_x = (c + x * a + y * b) >> 16, from_y = (f + x * d + y * e) >> 16;
      const bool inside = from_x >= 0 && from_x < picture.width && from_y >= 0 && from_y < picture.height;
      if (inside) copy_pixel(picture, from_x, from_y, out, x, y);
    }
  }
}

double linear(double p1, double p2, double d) { return p1 + d * (p2 - p1); }

double cubic(double p1, double p2, double p3, double p4, double d) {
  return p2 + d * (-p1 + p3 + d * (2 * (p1 - p2) + p3 - p4 + d * (-p1 + p2 - p3 + p4)));
}

// The N x N pixels around a place inside the picture, (x, y) in pixels; those beyond the edge are those at the edge.
template <int N>
class Neighbours {
 public:
  Neighbours(const Picture& picture, double x, double y) {
    const double left = std::floor(x - 0.5), top = std::floor(y - 0.5);
    dx = x - 0.5 - left;
    dy = y - 0.5 - top;
    constexpr int64_t kBefore = N / 2 - 1;
    for (int64_t i = 0; i < N; ++i) {
      const int64_t row = static_cast<int64_t>(top) - kBefore + i, column = static_cast<int64_t>(left) - kBefore + i;
      rows_[i] = picture.row(std::clamp<int64_t>(row, 0, picture.height - 1));
      columns_[i] = std::clamp<int64_t>(column, 0, picture.width - 1) * picture.channels;
    }
  }
  double at(int64_t row, int64_t column, int64_t channel) const { return rows_[row][columns_[column] + channel]; }

  double dx = 0, dy = 0;  // from the pixel up and left of the place

 private:
  const uint8_t* rows_[N];
  int64_t columns_[N];
};

uint8_t interpolated(const Neighbours<2>& p, int64_t c) {
  const auto along = [&](int64_t row) { return linear(p.at(row, 0, c), p.at(row, 1, c), p.dx); };
  return static_cast<uint8_t>(linear(along(0), along(1), p.dy));
}

uint8_t interpolated(const Neighbours<4>& p, int64_t c) {
  const auto along = [&](int64_t row) {
    return cubic(p.at(row, 0, c), p.at(row, 1, c), p.at(row, 2, c), p.at(row, 3, c), p.dx);
  };
  return static_cast<uint8_t>(std::clamp(cubic(along(0), along(1), along(2), along(3), p.dy), 0.0, 255.0));
}

template <int N>
void interpolate(const Picture& picture, const Affine& m, Picture& out) {
  const auto width = static_cast<double>(picture.width), height = static_cast<double>(picture.height);
  for (int64_t y = 0; y < out.height; ++y) {
    uint8_t* to = out.row(y);
    for (int64_t x = 0; x < out.width; ++x, to += out.channels) {
      const double column = static_cast<double>(x) + 0.5, row = static_cast<double>(y) + 0.5;
      const double from_x = m[0] * column + m[1] * row + m[2], from_y = m[3] * column + m[4] * row + m[5];
      if (!(from_x >= 0 && from_x < width && from_y >= 0 && from_y < height)) continue;
      const Neighbours<N> neighbours(picture, from_x, from_y);
      for (int64_t c = 0; c < out.channels; ++c) to[c] = interpolated(neighbours, c);
    }
  }
}

// To 15 digits behind the point, as Python's round() does it.
double rounded(double value) { return std::strtod(fmt::format("{:.15f}", value).c_str(), nullptr); }

}  // namespace

Picture transformed(const Picture& picture, const Affine& matrix, Filter filter, const Colour& fill) {
  TESSERA_CHECK(filter == Filter::nearest || filter == Filter::bilinear || filter == Filter::bicubic,
                "transformed: the filter must be nearest, bilinear or bicubic");
  Picture out = filled(picture, fill);
  if (filter == Filter::bilinear) {
    interpolate<2>(picture, matrix, out);
  } else if (filter == Filter::bicubic) {
    interpolate<4>(picture, matrix, out);
  } else if (matrix[1] == 0 && matrix[3] == 0) {
    copy_scaled(picture, matrix, out);
  } else {
    copy_nearest(picture, matrix, out);
  }
  return out;
}

Picture rotated(const Picture& picture, double degrees, Filter filter, const Colour& fill) {
  degrees = std::fmod(degrees, 360);
  if (degrees < 0) degrees += 360;
  const bool square = picture.height == picture.width;
  if (degrees == 0) return picture;
  if (degrees == 180) return oriented(picture, 3);
  if (degrees == 90 && square) return oriented(picture, 8);
  if (degrees == 270 && square) return oriented(picture, 6);
  const double angle = -degrees * (std::numbers::pi / 180);
  const double cosine = rounded(std::cos(angle)), sine = rounded(std::sin(angle));
  const double x = static_cast<double>(picture.width) / 2, y = static_cast<double>(picture.height) / 2;
  // The centre stays where it is.
  const Affine matrix = {
      cosine, sine, cosine * -x + sine * -y + x, rounded(-std::sin(angle)), cosine, -sine * -x + cosine * -y + y};
  return transformed(picture, matrix, filter, fill);
}

}  // namespace tessera::image
