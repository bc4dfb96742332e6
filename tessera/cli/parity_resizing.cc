#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/cli/parity_suspects.h"
#include "tessera/formats/tensor.h"
#include "tessera/weights/resize.h"

namespace tessera::cli {
namespace {

using weights::Grid;

// The table of positions under the names of timm, Hugging Face, torchvision, lucidrains and Google; null where there is
// none of that width.
const formats::Array* positions_in(const formats::NamedArrays& source, int64_t D) {
  for (const auto& [name, array] : source) {
    const bool named =
        name.find("pos_embed") != std::string::npos || name.find("position_embedding") != std::string::npos;
    const int rank = array.shape.rank();
    if (named && rank >= 2 && rank <= 3 && array.shape[-1] == D && array.shape.numel() == array.shape[-2] * D)
      return &array;
  }
  return nullptr;
}

// A square grid behind as few other rows as possible: tables do not say their sides.
std::optional<Grid> square_of(int64_t rows, int64_t& prefix) {
  for (const int64_t other : {prefix, int64_t{1}, int64_t{0}, int64_t{2}}) {
    const auto side = std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(rows - other, 0))));
    if (side < 1 || side * side != rows - other) continue;
    prefix = other;
    return Grid{side, side};
  }
  return std::nullopt;
}

std::optional<Grid> grid_of(const Setup& setup) {
  const auto keys = nlohmann::json::parse(setup.architecture);
  if (!keys.contains("img_size") || !keys.contains("patch_size")) return std::nullopt;
  const auto side = [&](size_t i) { return keys["img_size"][i].get<int64_t>() / keys["patch_size"][i].get<int64_t>(); };
  return Grid{side(0), side(1)};
}

void add_positions(const Setup& setup, const formats::NamedArrays& source, Grid to, std::vector<Suspect>& suspects) {
  const auto found = setup.parameters.find("pos_embed");
  if (found == setup.parameters.end()) return;
  const Tensor ours = found->second;
  const int64_t D = ours.size(-1), prefix = ours.size(-2) - to.height * to.width;
  const formats::Array* array = positions_in(source, D);
  if (!array || prefix < 0 || array->shape[-2] == ours.size(-2)) return;
  int64_t others = prefix;
  const std::optional<Grid> from = square_of(array->shape[-2], others);
  if (!from) return;
  const Tensor table = formats::to_tensor(*array);
  for (const std::string& name : weights::position_resize_names()) {
    suspects.push_back(
        {"positions", "positions resized as " + name,
         fmt::format("the original resizes its positions from {}x{} to {}x{} patches as '{}' does", from->height,
                     from->width, to.height, to.width, name),
         [=](Setup& changed) {
           const Tensor resized = resize_positions(table, others, *from, to, weights::position_resize_named(name));
           const Tensor positions = ours.clone();  // with our rows of the class token
           std::copy_n(resized.data() + others * D, to.height * to.width * D, positions.data() + prefix * D);
           changed.parameters["pos_embed"] = positions;
         }});
  }
}

// Tables of relative positions, which stand in the source under our names.
void add_relative(const Setup& setup, const formats::NamedArrays& source, Grid to, std::vector<Suspect>& suspects) {
  const int64_t offsets = (2 * to.height - 1) * (2 * to.width - 1);
  std::map<std::string, Tensor> tables;
  int64_t extra = 0;
  std::optional<Grid> from;
  for (const auto& [name, ours] : setup.parameters) {
    const formats::Array* array = formats::find(source, name);
    if (!name.ends_with("relative_position_bias_table") || !array || array->shape.rank() != 2 || ours.rank() != 2 ||
        array->shape[0] == ours.size(0) || array->shape[1] != ours.size(1))
      continue;
    extra = ours.size(0) - offsets;
    const auto span = std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(array->shape[0] - extra, 0))));
    if (extra < 0 || span % 2 == 0 || span * span + extra != array->shape[0]) return;
    from = Grid{(span + 1) / 2, (span + 1) / 2};
    tables[name] = formats::to_tensor(*array);
  }
  if (!from) return;
  for (const std::string& name : weights::relative_resize_names()) {
    suspects.push_back({"positions", "relative positions resized as " + name,
                        "the original resizes its tables of relative positions as '" + name + "' does",
                        [=](Setup& changed) {
                          for (const auto& [parameter, table] : tables)
                            changed.parameters[parameter] =
                                resize_relative(table, *from, to, extra, weights::relative_resize_named(name));
                        }});
  }
}

}  // namespace

std::vector<Suspect> suspects_of_resizing(const Setup& setup, const formats::NamedArrays& source) {
  std::vector<Suspect> suspects;
  const std::optional<Grid> to = grid_of(setup);
  if (!to) return suspects;
  add_positions(setup, source, *to, suspects);
  add_relative(setup, source, *to, suspects);
  return suspects;
}

}  // namespace tessera::cli
