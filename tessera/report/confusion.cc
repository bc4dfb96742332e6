#include "tessera/report/confusion.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"
#include "tessera/core/text.h"

namespace tessera::report {
namespace {

constexpr int64_t kTableClasses = 20;

void check(std::span<const int64_t> counts, int64_t classes) {
  TESSERA_CHECK(classes > 0 && static_cast<int64_t>(counts.size()) == classes * classes,
                "a confusion matrix of {} classes has {} counts, but {} came", classes, classes * classes,
                counts.size());
}

// The first characters (not bytes) of a UTF-8 text, and spaces up to the width in front.
std::string fitted(const std::string& text, size_t width) {
  size_t characters = 0, bytes = 0;
  for (; bytes < text.size(); ++bytes) {
    const bool begins = (static_cast<unsigned char>(text[bytes]) & 0xc0) != 0x80;
    if (begins && characters == width) break;
    characters += begins;
  }
  return std::string(width - characters, ' ').append(text, 0, bytes);
}

}  // namespace

std::vector<Mistake> worst_mistakes(std::span<const int64_t> counts, int64_t classes, size_t limit) {
  check(counts, classes);
  std::vector<Mistake> all;
  for (int64_t t = 0; t < classes; ++t) {
    for (int64_t p = 0; p < classes; ++p) {
      const int64_t count = counts[static_cast<size_t>(t * classes + p)];
      if (t != p && count > 0) all.push_back({t, p, count});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const Mistake& a, const Mistake& b) { return a.count > b.count; });
  all.resize(std::min(all.size(), limit));
  return all;
}

std::vector<int64_t> pictures_of_classes(std::span<const int64_t> counts, int64_t classes) {
  check(counts, classes);
  std::vector<int64_t> sums(static_cast<size_t>(classes));
  for (size_t i = 0; i < counts.size(); ++i) sums[i / static_cast<size_t>(classes)] += counts[i];
  return sums;
}

std::string confusion_text(std::span<const int64_t> counts, const std::vector<std::string>& names) {
  const auto classes = static_cast<int64_t>(names.size());
  check(counts, classes);
  std::string out;
  if (classes > kTableClasses) {
    for (const Mistake& m : worst_mistakes(counts, classes, 20)) {
      out += fmt::format("{:>7}  {} taken for {}\n", m.count, names[static_cast<size_t>(m.actual)],
                         names[static_cast<size_t>(m.predicted)]);
    }
    return out;
  }
  size_t row_width = 4, column_width = 5;
  for (const std::string& name : names) row_width = std::min<size_t>(24, std::max(row_width, width_of(name)));
  for (const int64_t count : counts) column_width = std::max(column_width, fmt::formatted_size("{}", count));
  out = fitted("true", row_width);
  for (const std::string& name : names) out += fmt::format(" {}", fitted(name, column_width));
  out += "   <- predicted\n";
  for (int64_t t = 0; t < classes; ++t) {
    out += fitted(names[static_cast<size_t>(t)], row_width);
    for (const int64_t count : counts.subspan(static_cast<size_t>(t * classes), names.size())) {
      out += count ? fmt::format(" {:>{}}", count, column_width) : fmt::format(" {:>{}}", "·", column_width);
    }
    out += "\n";
  }
  return out;
}

std::string confusion_csv(std::span<const int64_t> counts, const std::vector<std::string>& names) {
  check(counts, static_cast<int64_t>(names.size()));
  std::string out = "true\\predicted";
  for (const std::string& name : names) out += fmt::format(",{}", csv_cell(name));
  for (size_t i = 0; i < counts.size(); ++i) {
    if (i % names.size() == 0) out += fmt::format("\n{}", csv_cell(names[i / names.size()]));
    out += fmt::format(",{}", counts[i]);
  }
  return out + "\n";
}

image::Picture confusion_picture(std::span<const int64_t> counts, int64_t classes) {
  static constexpr double kHit[] = {20, 70, 190}, kMistake[] = {215, 80, 10};
  const std::vector<int64_t> sums = pictures_of_classes(counts, classes);
  const int64_t cell = std::clamp<int64_t>(1000 / classes, 1, 32), line = cell >= 8;  // lines between large cells
  image::Picture picture(classes * cell, classes * cell, 3);
  std::fill(picture.pixels.begin(), picture.pixels.end(), uint8_t{255});
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      const int64_t t = y / cell, p = x / cell;
      const auto sum = static_cast<double>(sums[static_cast<size_t>(t)]);
      if (sum == 0 || y % cell >= cell - line || x % cell >= cell - line) continue;
      const double strength = std::sqrt(static_cast<double>(counts[static_cast<size_t>(t * classes + p)]) / sum);
      for (int64_t c = 0; c < 3; ++c) {
        const double color = (t == p ? kHit : kMistake)[c];
        picture.row(y)[x * 3 + c] = static_cast<uint8_t>(std::lround(255 + strength * (color - 255)));
      }
    }
  }
  return picture;
}

}  // namespace tessera::report
