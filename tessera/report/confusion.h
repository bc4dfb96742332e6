// Which class is taken for which. Everywhere: counts is (K, K) row-major, counts[true * K + predicted]; names are the K
// classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tessera/image/picture.h"

namespace tessera::report {

struct Mistake {
  int64_t actual = 0;
  int64_t predicted = 0;
  int64_t count = 0;
};

// The off-diagonal counts that are not zero, the largest first (then by class), at most `limit`.
std::vector<Mistake> worst_mistakes(std::span<const int64_t> counts, int64_t classes, size_t limit);

// Sums of the rows: how many pictures of each class there are.
std::vector<int64_t> pictures_of_classes(std::span<const int64_t> counts, int64_t classes);

// A table for the terminal: up to 20 classes in full with shortened heads, else the 20 most frequent mistakes.
std::string confusion_text(std::span<const int64_t> counts, const std::vector<std::string>& names);

// The head row is "true\predicted" and the names; one row for each class. Names are quoted where CSV needs it.
std::string confusion_csv(std::span<const int64_t> counts, const std::vector<std::string>& names);

// (S, S, 3), S = K cells of 1 to 32 pixels each, up to about 1000 in all; rows are the true classes. Hits are blue,
// mistakes orange on white; a cell's strength is the square root of its share of the row, so that rare mistakes show.
image::Picture confusion_picture(std::span<const int64_t> counts, int64_t classes);

// The same as SVG for a page, with names (up to 40 classes), counts (up to 12) and each cell's meaning when pointed at.
// Colours are the CSS variables --hit, --miss, --ink, --faint, --cell. Cells without a count are not drawn.
std::string confusion_svg(std::span<const int64_t> counts, const std::vector<std::string>& names);

}  // namespace tessera::report
