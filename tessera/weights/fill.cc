#include "tessera/weights/fill.h"

#include <algorithm>
#include <set>

#include "tessera/core/error.h"

namespace tessera::weights {
namespace {

using models::Spatial;

bool any_matches(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches_glob(pattern, name); });
}

Shape without_ones(const Shape& shape) {
  std::vector<int64_t> extents;
  for (int64_t extent : shape.extents())
    if (extent != 1) extents.push_back(extent);
  return Shape(extents);
}

std::string scale_name(const std::string& weight) { return weight + "_scale"; }

struct Filling {
  models::Model& model;
  const models::Model& source;
  const WeightFile& file;
  const FillOptions& options;
  std::set<std::string> quantisable = {};
  std::set<std::string> used = {};  // feeds
  Account account = {};

  bool may_start_anew(const std::string& parameter) const {
    return any_matches(options.fresh, parameter) || (options.fresh_head && is_head(parameter));
  }
  bool is_head(const std::string& parameter) const {
    const std::vector<std::string> heads = model.head_parameters();
    return std::count(heads.begin(), heads.end(), parameter) > 0;
  }
  const formats::Array& array(const Feed& feed) const { return file.arrays[feed.pieces.front().array].second; }
  const std::string& name(const Feed& feed) const { return file.arrays[feed.pieces.front().array].first; }
  std::string names(const Feed& feed) const {
    return feed.pieces.size() == 1 ? name(feed) : fmt::format("{} and {} more", name(feed), feed.pieces.size() - 1);
  }
  // Of whole numbers, where floating-point ones belong.
  std::string conversion(const Feed& feed) const {
    const formats::FileType type = array(feed).type;
    const bool floating = type == formats::FileType::F16 || type == formats::FileType::BF16 ||
                          type == formats::FileType::F32 || type == formats::FileType::F64;
    return floating || parameter_is_quantised(feed) ? "" : fmt::format("converted from {}", formats::name_of(type));
  }
  bool parameter_is_quantised(const Feed& feed) const { return file.feed(scale_name(feed.parameter)) != nullptr; }
  std::string where() const { return file.path.string(); }

  void fill(const nn::Parameter& parameter);
  void start_anew(const nn::Parameter& parameter, const std::string& why);
  bool of_another_grid(const std::string& parameter) const;
  bool as_stored(const nn::Parameter& parameter, const Feed& feed);
  bool resized(const nn::Parameter& parameter, const Feed& feed);
  [[noreturn]] void complain_of_shape(const nn::Parameter& parameter, const Feed& feed) const;
  void settle_the_rest();
};

void Filling::start_anew(const nn::Parameter& parameter, const std::string& why) {
  parameter.start(options.seed);
  account.fresh.push_back({parameter.name, "", why});
}

// 16 x 10 patches are as many as 10 x 16: a shape does not tell.
bool Filling::of_another_grid(const std::string& parameter) const {
  const std::optional<Spatial> from = source.spatial(parameter), to = model.spatial(parameter);
  return from && to && (from->height != to->height || from->width != to->width);
}

// Where the array has the parameter's shape: mapped, quantised, or converted into place.
bool Filling::as_stored(const nn::Parameter& parameter, const Feed& feed) {
  const Shape& shape = parameter.tensor->shape();
  if (without_ones(feed.shape) != without_ones(shape)) return false;
  const formats::Array& stored = array(feed);
  const Rule& rule = feed.pieces.front().rule;
  const bool plain = feed.pieces.size() == 1 && rule.rearrange.empty() && rule.take.whole();
  const Feed* scales = file.feed(scale_name(parameter.name));
  if (plain && scales && stored.type == formats::FileType::I8) {
    TESSERA_CHECK(quantisable.count(parameter.name), "{}: the tensor '{}' is quantised, which this model cannot use",
                  where(), parameter.name);
    TESSERA_CHECK(scales->shape == Shape{shape[0]}, "{}: the tensor '{}' must be ({}), but it is {}", where(),
                  scale_name(parameter.name), shape[0], to_string(scales->shape));
    const Tensor elements = Tensor::empty(shape, DType::s8), row_scales = Tensor::empty({shape[0]});
    std::copy(stored.bytes.begin(), stored.bytes.end(), elements.raw());
    read_feed(file, *scales, row_scales.span());
    *parameter.tensor = Tensor::quantised(elements, row_scales);
    used.insert(scales->parameter);
  } else if (plain && options.purpose == Purpose::use && stored.type == formats::FileType::F32 && stored.mapped &&
             reinterpret_cast<uintptr_t>(stored.bytes.data()) % alignof(float) == 0) {
    *parameter.tensor = Tensor::mapped(shape, DType::f32, {stored.owner, stored.bytes.data()});
  } else {
    read_feed(file, feed, parameter.tensor->span());
  }
  account.loaded.push_back({parameter.name, names(feed), conversion(feed)});
  return true;
}

// Where it has the shape of another size of pictures, patches or channels.
bool Filling::resized(const nn::Parameter& parameter, const Feed& feed) {
  const std::optional<Spatial> from = source.spatial(parameter.name), to = model.spatial(parameter.name);
  if (!from || !to || from->kind != to->kind) return false;
  const Origin& origin = file.convention;
  const Grid a{from->height, from->width}, b{to->height, to->width};
  Tensor values = Tensor::empty(feed.shape);
  std::string how;
  if (from->kind == Spatial::Kind::positions) {
    const int64_t rows = from->extra + a.height * a.width, D = parameter.tensor->shape().extents().back();
    if (from->extra != to->extra || feed.shape.numel() != rows * D) return false;
    read_feed(file, feed, values.span());
    const PositionResize method =
        options.positions.empty() ? origin.positions : position_resize_named(options.positions);
    values = resize_positions(values.reshape({rows, D}), from->extra, a, b, method);
    how = name_of(method);
  } else if (from->kind == Spatial::Kind::relative) {
    if (from->extra != to->extra || feed.shape.rank() != 2 || feed.shape[1] != parameter.tensor->size(1)) return false;
    read_feed(file, feed, values.span());
    const RelativeResize method = options.relative.empty() ? origin.relative : relative_resize_named(options.relative);
    values = resize_relative(values, a, b, from->extra, method);
    how = name_of(method);
  } else {
    if (feed.shape.rank() != 4 || feed.shape[0] != parameter.tensor->size(0)) return false;
    read_feed(file, feed, values.span());
    const PatchResize method = options.patches.empty() ? origin.patches : patch_resize_named(options.patches);
    if (a != b) values = resize_patch(values, b, method);
    how = a != b ? name_of(method) : "";
    const int64_t channels = parameter.tensor->size(1);
    if (values.size(1) != channels) {
      how += fmt::format("{}{} -> {} channels", how.empty() ? "" : ", ", values.size(1), channels);
      values = adapt_channels(values, channels);
    }
  }
  if (values.numel() != parameter.tensor->numel()) return false;
  std::copy_n(values.data(), values.numel(), parameter.tensor->data());
  account.loaded.push_back({parameter.name, names(feed),
                            fmt::format("resized {}x{} -> {}x{} ({})", a.height, a.width, b.height, b.width, how)});
  return true;
}

void Filling::complain_of_shape(const nn::Parameter& parameter, const Feed& feed) const {
  const Shape &ours = parameter.tensor->shape(), &theirs = feed.shape;
  const bool transposed = ours.rank() == 2 && theirs.rank() == 2 && ours[0] == theirs[1] && ours[1] == theirs[0];
  const std::string called =
      name(feed) == parameter.name ? "" : fmt::format(", which becomes the parameter '{}',", parameter.name);
  fail("{}: the tensor {}{} is {}, but the model needs {}{}", where(), formats::in_quotes(names(feed)), called,
       to_string(theirs), to_string(ours),
       transposed                ? "; it is transposed"
       : is_head(parameter.name) ? "; --fresh 'head*' starts it anew, for other classes"
                                 : "");
}

void Filling::fill(const nn::Parameter& parameter) {
  const Feed* feed = file.feed(parameter.name);
  if (!feed) {
    if (may_start_anew(parameter.name)) return start_anew(parameter, "not in the file");
    fail("{}: the tensor '{}' {}, which the model needs, is missing; --fresh '{}' starts it anew", where(),
         parameter.name, to_string(parameter.tensor->shape()), parameter.name);
  }
  used.insert(feed->parameter);
  const bool another = of_another_grid(parameter.name);
  if (!another && as_stored(parameter, *feed)) return;
  if (another && resized(parameter, *feed)) return;
  if (may_start_anew(parameter.name))
    return start_anew(parameter, fmt::format("in the file it is {}", to_string(feed->shape)));
  if (!resized(parameter, *feed)) complain_of_shape(parameter, *feed);
}

// What became no parameter.
void Filling::settle_the_rest() {
  std::vector<std::string> left;
  for (const Feed& feed : file.feeds)
    if (!used.count(feed.parameter))
      for (const Piece& piece : feed.pieces) left.push_back(file.arrays[piece.array].first);
  for (size_t i : file.unused) left.push_back(file.arrays[i].first);
  for (const std::string& array : left) {
    TESSERA_CHECK(any_matches(options.ignore, array),
                  "{}: the file holds the tensor {} {}, for which the model has no place; --ignore '{}' leaves it out",
                  where(), formats::in_quotes(array), to_string(formats::at(file.arrays, array).shape), array);
    account.ignored.push_back({"", array, "ignored"});
  }
  std::set<std::string> fed(left.begin(), left.end());
  for (const Feed& feed : file.feeds)
    for (const Piece& piece : feed.pieces) fed.insert(file.arrays[piece.array].first);
  for (const auto& [array, values] : file.arrays)
    if (!fed.count(array)) account.ignored.push_back({"", array, values.shape.numel() ? "no parameter" : "empty"});
}

}  // namespace

Account fill(models::Model& model, const models::Model& source, const WeightFile& file, const FillOptions& options) {
  Filling filling{model, source, file, options};
  for (const models::Product& product : model.products()) filling.quantisable.insert(product.weight);
  for (const nn::Parameter& parameter : model.state()) filling.fill(parameter);
  filling.settle_the_rest();
  filling.account.assumed = file.assumed;
  return std::move(filling.account);
}

}  // namespace tessera::weights
