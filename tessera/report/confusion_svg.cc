#include <fmt/format.h>

#include <cmath>

#include "tessera/report/confusion.h"
#include "tessera/report/plot.h"

namespace tessera::report {
namespace {

constexpr double kSide = 480;      // of the matrix
constexpr size_t kNameBytes = 16;  // shown of a name

std::string shortened(const std::string& name) {
  if (name.size() <= kNameBytes) return name;
  size_t end = kNameBytes - 1;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return fmt::format("{}…", name.substr(0, end));
}

}  // namespace

std::string confusion_svg(std::span<const int64_t> counts, const std::vector<std::string>& names) {
  const auto classes = static_cast<int64_t>(names.size());
  const std::vector<int64_t> sums = pictures_of_classes(counts, classes);
  const double cell = kSide / static_cast<double>(classes), gap = cell >= 8 ? 1 : 0;
  const bool named = classes <= 40, counted = classes <= 12;
  const double margin = named ? 118 : 18, font = std::min(12.0, cell * 0.8);

  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {0}\" role=\"img\" aria-label=\"confusion matrix\" "
      "font-family=\"system-ui,sans-serif\" font-size=\"{1:.1f}\">\n"
      "<g transform=\"translate({2} {2})\">\n<rect width=\"{3}\" height=\"{3}\" fill=\"var(--cell,#f3f4f6)\"/>\n",
      kSide + margin, font, margin, kSide);
  for (int64_t t = 0; t < classes; ++t) {
    for (int64_t p = 0; p < classes; ++p) {
      const int64_t count = counts[static_cast<size_t>(t * classes + p)];
      if (count == 0) continue;
      const double share = static_cast<double>(count) / static_cast<double>(sums[static_cast<size_t>(t)]);
      const double x = static_cast<double>(p) * cell, y = static_cast<double>(t) * cell;
      out += fmt::format(
          "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\" fill-opacity=\"{:.2f}\">"
          "<title>{} taken for {}: {} ({:.1f} %)</title></rect>\n",
          x, y, cell - gap, cell - gap, t == p ? "var(--hit,#2563eb)" : "var(--miss,#d9622b)", std::sqrt(share),
          escape_markup(names[static_cast<size_t>(t)]), escape_markup(names[static_cast<size_t>(p)]), count,
          100 * share);
      if (counted) {
        out += fmt::format(
            "<text x=\"{:.2f}\" y=\"{:.2f}\" text-anchor=\"middle\" pointer-events=\"none\" fill=\"{}\">{}</text>\n",
            x + cell / 2, y + cell / 2 + font * 0.35, share > 0.3 ? "#fff" : "var(--ink,#111827)", count);
      }
    }
  }
  for (int64_t i = 0; named && i < classes; ++i) {
    const double middle = (static_cast<double>(i) + 0.5) * cell;
    const std::string name = escape_markup(shortened(names[static_cast<size_t>(i)]));
    out += fmt::format("<text x=\"-6\" y=\"{:.2f}\" text-anchor=\"end\" fill=\"var(--ink,#111827)\">{}</text>\n",
                       middle + font * 0.35, name);
    out += fmt::format("<text transform=\"translate({:.2f} -6) rotate(-90)\" fill=\"var(--ink,#111827)\">{}</text>\n",
                       middle + font * 0.35, name);
  }
  return out + "</g>\n</svg>\n";
}

}  // namespace tessera::report
