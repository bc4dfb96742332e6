#include "tessera/report/label_places.h"

#include <algorithm>

#include "tessera/core/text.h"

namespace tessera::report {
namespace {

constexpr double kHeight = 12, kMark = 5;  // of a line of text; half of a point and what is free around it

struct Box {
  double left, top, right, bottom;
};

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  return width > 0 && height > 0 ? width * height : 0;
}

Box box_of(const LabelPlace& place, double width) {
  return {place.x, place.y - kHeight + 2, place.x + width, place.y + 2};
}

}  // namespace

double label_width(const std::string& text) { return 6.2 * static_cast<double>(width_of(text)); }

std::vector<LabelPlace> label_places(const std::vector<LabelledPoint>& points, double left, double right) {
  std::vector<Box> taken;
  for (const LabelledPoint& point : points)
    taken.push_back({point.x - kMark, point.y - kMark, point.x + kMark, point.y + kMark});
  std::vector<LabelPlace> places;
  for (const LabelledPoint& point : points) {
    const double width = label_width(point.label);
    LabelPlace best;
    double least = -1;
    for (const double farther : {0.0, 12.0, 24.0}) {
      for (const LabelPlace& place :
           {LabelPlace{point.x + 7, point.y + 4 + farther}, LabelPlace{point.x - 7 - width, point.y + 4 - farther},
            LabelPlace{point.x - width / 2, point.y - 9 - farther},
            LabelPlace{point.x - width / 2, point.y + 17 + farther}}) {
        const Box box = box_of(place, width);
        double covered = 10 * (std::max(0.0, left - box.left) + std::max(0.0, box.right - right)) * kHeight;
        for (const Box& other : taken) covered += overlap(box, other);
        if (least < 0 || covered < least - 1e-9) {
          least = covered;
          best = place;
        }
      }
    }
    if (!point.label.empty()) taken.push_back(box_of(best, width));
    places.push_back(best);
  }
  return places;
}

}  // namespace tessera::report
