#include "tessera/image/resize.h"

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/image/geometry.h"
#include "tessera/image/resize_rows.h"
#include "tessera/image/resize_taps.h"

namespace tessera::image {
namespace {

// Rows [begin, end) of (h, w, C) -> (end - begin, taps.size(), C)
Picture along_rows(const Picture& picture, int64_t begin, int64_t end, const Taps& taps) {
  Picture out(end - begin, taps.size(), picture.channels);
  const ColumnSums sums(taps, picture.channels);
  // Beyond a row lie the next ones; where these are too few, the rows are copied to where more may be read.
  const int64_t few = (sums.slack() + picture.row_bytes() - 1) / picture.row_bytes();
  const int64_t tail_begin = std::max<int64_t>(0, picture.height - few);
  std::vector<uint8_t> tail(picture.row(tail_begin), picture.row(picture.height));
  tail.resize(tail.size() + static_cast<size_t>(sums.slack()));
  for (int64_t y = begin; y < end; y += ColumnSums::kRowsAtOnce) {
    const int64_t count = std::min(end - y, ColumnSums::kRowsAtOnce);
    const uint8_t* rows[ColumnSums::kRowsAtOnce];
    uint8_t* outs[ColumnSums::kRowsAtOnce];
    for (int64_t r = 0; r < count; ++r) {
      rows[r] = y + r < tail_begin ? picture.row(y + r) : tail.data() + (y + r - tail_begin) * picture.row_bytes();
      outs[r] = out.row(y + r - begin);
    }
    sums(rows, count, outs);
  }
  return out;
}

// Columns [begin, end) of (h, w, C) -> (taps.size(), end - begin, C)
Picture down_columns(const Picture& picture, int64_t begin, int64_t end, const Taps& taps) {
  Picture out(taps.size(), end - begin, picture.channels);
  for (int64_t y = 0; y < taps.size(); ++y) {
    const uint8_t* rows = picture.row(taps.first[static_cast<size_t>(y)]) + begin * picture.channels;
    sum_rows(rows, picture.row_bytes(), taps.weights_of(y), taps.count[static_cast<size_t>(y)], out.row_bytes(),
             out.row(y));
  }
  return out;
}

Picture nearest(const Picture& picture, const Axis& rows, const Axis& columns, const Rectangle& part) {
  const std::vector<int32_t> ys = nearest_inputs(rows, part.top, part.top + part.height);
  const std::vector<int32_t> xs = nearest_inputs(columns, part.left, part.left + part.width);
  const int64_t channels = picture.channels;
  Picture out(part.height, part.width, channels);
  for (int64_t y = 0; y < part.height; ++y) {
    const uint8_t* from = picture.row(ys[static_cast<size_t>(y)]);
    uint8_t* to = out.row(y);
    for (int32_t x : xs) {
      for (int64_t c = 0; c < channels; ++c) *to++ = from[x * channels + c];
    }
  }
  return out;
}

Picture filtered(const Picture& picture, const Axis& rows, const Axis& columns, const Rectangle& part,
                 const Resize& how) {
  const bool columns_stay = columns.is_identity(), rows_stay = rows.is_identity();
  if (columns_stay && rows_stay) return window(picture, part);
  const int64_t right = part.left + part.width, bottom = part.top + part.height;
  if (columns_stay) return down_columns(picture, part.left, right, taps(rows, how.filter, part.top, bottom));
  Taps across = taps(columns, how.filter, part.left, right);
  if (rows_stay) return along_rows(picture, part.top, bottom, across);

  Taps down = taps(rows, how.filter, part.top, bottom);
  const bool columns_first =
      how.pillow == PillowVersion::v13 && rows.N < rows.n && rows.n - rows.N > 2 * (columns.n - columns.N);
  if (columns_first) {
    const int64_t begin = across.begin();
    const Picture middle = down_columns(picture, begin, across.end(), down);  // (H, w', C)
    across.shift(begin);
    return along_rows(middle, 0, middle.height, across);  // (H, W, C)
  }
  const int64_t begin = down.begin();
  const Picture middle = along_rows(picture, begin, down.end(), across);  // (h', W, C)
  down.shift(begin);
  return down_columns(middle, 0, middle.width, down);  // (H, W, C)
}

// What a resize comes to: its two axes, and the part of the result that is wanted.
struct Plan {
  Axis rows, columns;
  Rectangle part;
};

Plan plan_of(int64_t height, int64_t width, const Resize& how) {
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  const Box box = how.box.value_or(Box{0, 0, w, h});
  const Rectangle part = how.window.value_or(Rectangle{0, 0, how.height, how.width});
  TESSERA_CHECK(how.height > 0 && how.width > 0, "resize: the new size must be at least 1 x 1, not {} x {}", how.width,
                how.height);
  TESSERA_CHECK(box.left >= 0 && box.top >= 0 && box.left < box.right && box.top < box.bottom && box.right <= w &&
                    box.bottom <= h,
                "resize: the box ({}, {}, {}, {}) is empty or not inside the picture of {} x {} pixels", box.left,
                box.top, box.right, box.bottom, width, height);
  TESSERA_CHECK(part.top >= 0 && part.left >= 0 && part.height > 0 && part.width > 0 &&
                    part.top + part.height <= how.height && part.left + part.width <= how.width,
                "resize: the window of {} x {} pixels at ({}, {}) is empty or not inside the result of {} x {}",
                part.width, part.height, part.left, part.top, how.width, how.height);
  return {{height, box.top, box.bottom, how.height}, {width, box.left, box.right, how.width}, part};
}

struct Range {
  int64_t begin, end;
};

// The inputs that outputs [begin, end) of an axis read.
Range inputs_of(const Axis& axis, Filter filter, int64_t begin, int64_t end) {
  if (filter == Filter::nearest) {
    const std::vector<int32_t> inputs = nearest_inputs(axis, begin, end);
    return {inputs.front(), inputs.back() + 1};
  }
  if (axis.is_identity()) return {begin, end};
  return {taps(axis, filter, begin, begin + 1).begin(), taps(axis, filter, end - 1, end).end()};
}

}  // namespace

Filter filter_named(std::string_view name) {
  if (name == "nearest") return Filter::nearest;
  if (name == "box") return Filter::box;
  if (name == "bilinear") return Filter::bilinear;
  if (name == "hamming") return Filter::hamming;
  if (name == "bicubic") return Filter::bicubic;
  if (name == "lanczos") return Filter::lanczos;
  fail("unknown interpolation '{}': expected nearest, box, bilinear, hamming, bicubic or lanczos", name);
}

PillowVersion pillow_named(std::string_view name) {
  if (name == "13") return PillowVersion::v13;
  if (name == "9.4") return PillowVersion::v9_4;
  fail("unknown Pillow version '{}': expected 13 or 9.4", name);
}

Rectangle resize_reads(int64_t height, int64_t width, const Resize& how) {
  const auto [rows, columns, part] = plan_of(height, width, how);
  const Range down = inputs_of(rows, how.filter, part.top, part.top + part.height);
  const Range across = inputs_of(columns, how.filter, part.left, part.left + part.width);
  return {down.begin, across.begin, down.end - down.begin, across.end - across.begin};
}

Picture resize(const Picture& picture, const Resize& how) {
  TESSERA_CHECK(picture.height > 0 && picture.width > 0 && (picture.channels == 1 || picture.channels == 3),
                "resize: expected a picture of 1 or 3 channels, but got {} x {} pixels of {}", picture.width,
                picture.height, picture.channels);
  const auto [rows, columns, part] = plan_of(picture.height, picture.width, how);
  if (how.filter == Filter::nearest) return nearest(picture, rows, columns, part);
  return filtered(picture, rows, columns, part, how);
}

}  // namespace tessera::image
