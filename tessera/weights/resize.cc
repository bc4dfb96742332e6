#include "tessera/weights/resize.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tessera/core/text.h"
#include "tessera/weights/resize_axis.h"

namespace tessera::weights {
namespace {

template <class How, size_t N>
using Names = std::array<std::pair<const char*, How>, N>;

constexpr Names<PositionResize, 6> kPositions{{{"timm", PositionResize::timm},
                                               {"hf", PositionResize::hf},
                                               {"dino", PositionResize::dino},
                                               {"torchvision", PositionResize::torchvision},
                                               {"timm_npz", PositionResize::timm_npz},
                                               {"google_zoom", PositionResize::google_zoom}}};
constexpr Names<RelativeResize, 3> kRelative{
    {{"timm", RelativeResize::timm}, {"simple", RelativeResize::simple}, {"levit", RelativeResize::levit}}};
constexpr Names<PatchResize, 2> kPatch{{{"flexi", PatchResize::flexi}, {"flexi_npz", PatchResize::flexi_npz}}};

template <class How, size_t N>
std::vector<std::string> all_of(const Names<How, N>& names) {
  std::vector<std::string> all;
  for (const auto& entry : names) all.emplace_back(entry.first);
  return all;
}

template <class How, size_t N>
How named(const Names<How, N>& names, std::string_view name, const char* what) {
  for (const auto& [known, how] : names)
    if (name == known) return how;
  const std::vector<std::string> all = all_of(names);
  const std::string near = did_you_mean(name, all);
  fail_usage("unknown resize of {} '{}'{}", what, name, near.empty() ? "; known: " + list_some(all, N) : near);
}

template <class How, size_t N>
const char* name_in(const Names<How, N>& names, How how) {
  return std::find_if(names.begin(), names.end(), [how](const auto& entry) { return entry.second == how; })->first;
}

AxisMap axis_of(int64_t n, int64_t m, PositionResize how) {
  switch (how) {
    case PositionResize::timm:
      return bicubic_antialias(n, m);
    case PositionResize::hf:
      return bicubic(n, m);
    case PositionResize::dino:
      return bicubic_offset(n, m);
    case PositionResize::torchvision:
      return bicubic_corners(n, m);
    case PositionResize::timm_npz:
      return bilinear(n, m);
    case PositionResize::google_zoom:
      return bilinear_corners(n, m);
  }
  fail("resize: no such way");
}

}  // namespace

Tensor resize_positions(const Tensor& table, int64_t prefix, Grid from, Grid to, PositionResize how) {
  TESSERA_CHECK(from.height > 0 && from.width > 0 && to.height > 0 && to.width > 0 && prefix >= 0,
                "positions: {} x {} patches cannot become {} x {}", from.height, from.width, to.height, to.width);
  const int64_t rows = prefix + from.height * from.width;
  TESSERA_CHECK(table.rank() >= 2 && table.size(-2) == rows && table.numel() == rows * table.size(-1),
                "positions: the table is {}, but {} x {} patches and {} other tokens need {} rows",
                to_string(table.shape()), from.height, from.width, prefix, rows);
  if (from == to) return table.clone();
  const int64_t D = table.size(-1);
  Shape shape = table.shape();
  shape[-2] = prefix + to.height * to.width;
  const Tensor result = Tensor::empty(shape);
  const std::span<const float> old = table.span();
  const auto kept = old.subspan(0, static_cast<size_t>(prefix * D)), grid = old.subspan(kept.size());
  const std::vector<double> x(grid.begin(), grid.end());  // (h, w, D)
  const std::vector<double> y =
      apply(axis_of(from.height, to.height, how), axis_of(from.width, to.width, how), x, 1, D);  // (h', w', D)
  float* out = std::copy(kept.begin(), kept.end(), result.data());
  std::transform(y.begin(), y.end(), out, [](double value) { return static_cast<float>(value); });
  return result;
}

PositionResize position_resize_named(std::string_view name) { return named(kPositions, name, "positions"); }
RelativeResize relative_resize_named(std::string_view name) { return named(kRelative, name, "relative positions"); }
PatchResize patch_resize_named(std::string_view name) { return named(kPatch, name, "patch kernels"); }
const char* name_of(PositionResize how) { return name_in(kPositions, how); }
const char* name_of(RelativeResize how) { return name_in(kRelative, how); }
const char* name_of(PatchResize how) { return name_in(kPatch, how); }
std::vector<std::string> position_resize_names() { return all_of(kPositions); }
std::vector<std::string> relative_resize_names() { return all_of(kRelative); }
std::vector<std::string> patch_resize_names() { return all_of(kPatch); }

}  // namespace tessera::weights
