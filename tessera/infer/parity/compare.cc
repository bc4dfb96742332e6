#include "tessera/infer/parity/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

#include "tessera/core/text.h"
#include "tessera/formats/tensor.h"
#include "tessera/infer/classifier.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::parity {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTimesFloat = 10;  // the difference allowed, over what float32 loses
constexpr int kProbes = 2;          // of what it loses
constexpr int64_t kPicturesAtOnce = 16;
constexpr int64_t kPicturesOfSearch = 2;

struct Values {
  std::map<std::string, Tensor> tensors;
  std::vector<std::string> order;  // of the forward pass, all that was offered
};

Values forward(models::Model& model, const Tensor& images, const std::set<std::string>& wanted) {
  const ops::NoGrad no_grad;
  const ops::TrainingState evaluation(std::nullopt);
  Values values;
  if (wanted.empty()) {
    values.tensors["logits"] = model.forward(images);
  } else {
    const ops::Taps taps([&](const std::string& name) {
      std::erase(values.order, name);  // asked before the layer and again behind it
      values.order.push_back(name);
      return wanted.count(name) > 0;
    });
    const Tensor logits = model.forward(images);
    values.tensors = taps.values();
    values.tensors["logits"] = logits;
  }
  values.order.push_back("logits");
  return values;
}

Shape without_ones(const Shape& shape) {
  std::vector<int64_t> extents;
  for (const int64_t extent : shape.extents())
    if (extent != 1) extents.push_back(extent);
  return Shape(extents);
}

// The original's tensor in the layout of ours: tokens (B, N, D) or a map (B, h, w, D) may there be a map (B, D, h, w)
// or (B, h, w, D). Undefined where it cannot be the same tensor.
Tensor in_layout_of(const Tensor& ours, const Tensor& expected) {
  if (without_ones(ours.shape()) == without_ones(expected.shape())) return expected.reshape(ours.shape());
  if (expected.rank() != 4 || ours.rank() < 3 || expected.numel() != ours.numel() || expected.size(0) != ours.size(0))
    return {};
  const int64_t D = ours.size(-1);
  if (expected.size(1) == D) return infer::channels_last(expected).reshape(ours.shape());
  return expected.size(3) == D && ours.rank() == 3 ? expected.reshape(ours.shape()) : Tensor();
}

// Takes in elements of `count` pictures, the first of which is `begin`.
void widen(Row& row, std::span<const float> ours, std::span<const float> expected, int64_t begin, int64_t count) {
  const size_t each = std::max<size_t>(ours.size() / static_cast<size_t>(count), 1);
  for (size_t i = 0; i < ours.size(); ++i) {
    const double difference = std::fabs(static_cast<double>(ours[i]) - expected[i]);
    if (!(difference <= row.absolute)) {
      row.absolute = std::isfinite(difference) ? difference : kInfinity;
      row.worst = begin + static_cast<int64_t>(i / each);
    }
    row.largest = std::max(row.largest, std::fabs(static_cast<double>(expected[i])));
  }
}

Row compared(const std::string& name, const Tensor& ours, const formats::Array& array, int64_t begin, int64_t count,
             int64_t all) {
  Row row;
  row.name = name;
  formats::Array part = array;
  if (array.shape.rank() > 0 && array.shape[0] == all && all > count) {  // the rows of these pictures
    const size_t row_bytes = array.bytes.size() / static_cast<size_t>(all);
    part.shape[0] = count;
    part.bytes = array.bytes.subspan(static_cast<size_t>(begin) * row_bytes, static_cast<size_t>(count) * row_bytes);
  }
  const Tensor expected = in_layout_of(ours, formats::to_tensor(part));
  if (!expected) {
    row.misfit = fmt::format("ours {}, the original's {}", to_string(ours.shape()), to_string(part.shape));
    return row;
  }
  widen(row, ours.span(), expected.span(), begin, count);
  return row;
}

// Each value moved by one unit in its last place, up or down.
Tensor with_noise(const Tensor& x, uint64_t seed) {
  const Tensor y = x.clone();
  uint64_t state = seed;
  for (float& value : y.span()) {
    if (value == 0 || !std::isfinite(value)) continue;
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) + ((state >> 63) ? 1u : ~0u));
  }
  return y;
}

// What the same values give when the smallest errors are made everywhere: per tensor, relative to its largest.
std::map<std::string, double> loss_of_float(const Setup& setup, const Tensor& images,
                                            const std::set<std::string>& wanted) {
  const Values values = forward(*build(setup), images, wanted);
  std::map<std::string, double> loss;
  for (int probe = 0; probe < kProbes; ++probe) {
    Setup noisy = setup;
    uint64_t seed = static_cast<uint64_t>(probe) << 32;
    for (auto& [name, tensor] : noisy.parameters) tensor = with_noise(tensor, ++seed);
    const Values moved = forward(*build(noisy), with_noise(images, ++seed), wanted);
    for (const auto& [name, tensor] : values.tensors) {
      Row row;
      widen(row, moved.tensors.at(name).span(), tensor.span(), 0, 1);
      if (std::isfinite(row.relative())) loss[name] = std::max(loss[name], row.relative());
    }
  }
  return loss;
}

// Rows of further pictures, merged into those of the pictures before.
void merge(std::vector<Row>& rows, const std::vector<Row>& more) {
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].largest = std::max(rows[i].largest, more[i].largest);
    if (more[i].absolute > rows[i].absolute) {
      rows[i].absolute = more[i].absolute;
      rows[i].worst = more[i].worst;
    }
    if (rows[i].misfit.empty()) rows[i].misfit = more[i].misfit;
  }
}

Score score_of(const std::vector<Row>& rows) {
  Score score{.first = rows.size()};
  for (size_t i = 0; i < rows.size(); ++i) {
    const double relative = rows[i].misfit.empty() ? rows[i].relative() : kInfinity;
    if (relative > 0) score.excess = std::max(score.excess, relative / rows[i].allowed);
    if (rows[i].agrees() || score.first < rows.size()) continue;
    score.first = i;
    score.error = relative;
  }
  return score;
}

// What to tap.
std::set<std::string> intermediates_of(const Reference& reference) {
  std::set<std::string> names;
  for (const auto& [name, array] : reference.tensors)
    if (name != "logits") names.insert(name);
  return names;
}

}  // namespace

double Row::relative() const {
  if (absolute == 0) return 0;
  return largest > 0 ? absolute / largest : kInfinity;
}

// Pixels and input, where pictures are compared.
void Comparer::add_pictures(const Setup& setup, const Part& part, std::vector<Row>& rows, Tensor& images) const {
  const int64_t all = shown_.count();
  if (shown_.has_pictures()) {
    const std::vector<image::Picture> pixels = shown_.pixels(setup, part.begin, part.count);
    TESSERA_CHECK(reference_.pixels.empty() || std::ssize(reference_.pixels) == all,
                  "{}: it holds the pixels of {} pictures, but there are {}", reference_.where,
                  reference_.pixels.size(), all);
    for (int64_t i = 0; i < part.count && !reference_.pixels.empty(); ++i) {
      const image::Picture& ours = pixels[static_cast<size_t>(i)];
      const image::Picture& theirs = reference_.pixels[static_cast<size_t>(part.begin + i)];
      if (i == 0) rows.push_back({.name = "pixels"});
      Row& row = rows.back();
      if (ours.pixels.size() != theirs.pixels.size() || ours.width != theirs.width) {
        row.misfit = fmt::format("ours {}x{}x{}, the original's {}x{}x{}", ours.height, ours.width, ours.channels,
                                 theirs.height, theirs.width, theirs.channels);
        continue;
      }
      for (size_t k = 0; k < ours.pixels.size(); ++k) {
        const double difference = std::fabs(static_cast<double>(ours.pixels[k]) - theirs.pixels[k]);
        if (difference <= row.absolute) continue;
        row.absolute = difference;
        row.worst = part.begin + i;
      }
      row.largest = 255;
    }
    images = shown_.images(setup, pixels);
  } else {
    images = shown_.images(setup, part.begin, part.count);
  }
  if (!reference_.input) return;
  rows.push_back(compared("input", images, formats::array_of(reference_.input), part.begin, part.count, all));
  rows.back().allowed = kTimesFloat * std::numeric_limits<float>::epsilon();
}

// Nothing where the setup cannot be built. Until parted: not more than the first difference needs.
std::optional<std::vector<Row>> Comparer::rows_of(const Setup& setup, const Part& part, Depth depth) {
  std::vector<Row> rows;
  Tensor images;
  add_pictures(setup, part, rows, images);
  if (depth == Depth::until_parted && !score_of(rows).agrees()) return rows;

  const std::unique_ptr<models::Model> model = build(setup);
  if (!model) return std::nullopt;
  const std::set<std::string> wanted = intermediates_of(reference_);
  const Values values = forward(*model, images, wanted);
  for (const std::string& name : values.order) {
    const formats::Array* expected = formats::find(reference_.tensors, name);
    if (!expected) continue;
    Tensor ours = values.tensors.at(name);
    // The last block may take a shorter way while nobody listens: users get that one.
    if (name == "logits" && depth == Depth::all && !wanted.empty()) ours = forward(*model, images, {}).tensors.at(name);
    rows.push_back(compared(name, ours, *expected, part.begin, part.count, shown_.count()));
    rows.back().allowed = allowed_[name];
  }
  unknown_.clear();
  for (const std::string& name : wanted)
    if (!values.tensors.count(name)) unknown_.push_back(name);
  return rows;
}

void Comparer::set_allowed(const Setup& setup, std::vector<Row>& rows, const Part& part) const {
  std::map<std::string, double> loss;
  if (tolerance_ == 0)
    loss = loss_of_float(setup, shown_.images(setup, part.begin, part.count), intermediates_of(reference_));
  for (Row& row : rows) {
    if (row.name == "pixels") continue;
    const double lost = std::max<double>(loss[row.name], std::numeric_limits<float>::epsilon());
    row.allowed = tolerance_ > 0 ? tolerance_ : kTimesFloat * lost;
  }
}

std::optional<std::vector<Row>> Comparer::rows_of_all(const Setup& setup, Depth depth, bool measured) {
  std::vector<Row> rows;
  for (int64_t begin = 0; begin < shown_.count(); begin += kPicturesAtOnce) {
    std::optional<std::vector<Row>> some =
        rows_of(setup, {begin, std::min(kPicturesAtOnce, shown_.count() - begin)}, depth);
    if (!some) return std::nullopt;
    if (begin > 0 && some->size() != rows.size()) {  // these part earlier than those before
      if (some->size() < rows.size()) rows = std::move(*some);
      return rows;
    }
    if (begin > 0) {
      merge(rows, *some);
      continue;
    }
    if (measured) set_allowed(setup, *some, {0, std::min(kPicturesOfSearch, shown_.count())});
    rows = std::move(*some);
  }
  return rows;
}

std::vector<Row> Comparer::rows(const Setup& setup) {
  const std::optional<std::vector<Row>> rows = rows_of_all(setup, Depth::all, true);
  TESSERA_CHECK(rows.has_value(), "the architecture and the weights do not belong together");
  TESSERA_CHECK(!rows->empty(), "{}: it holds nothing of this model; its arrays: {}", reference_.where,
                list_some(unknown_, 8));
  for (const Row& row : *rows) allowed_[row.name] = row.allowed;
  const auto first = std::find_if(rows->begin(), rows->end(), [](const Row& row) { return !row.agrees(); });
  if (first != rows->end()) worst_ = first->worst;
  return *rows;
}

std::optional<Score> Comparer::score(const Setup& setup, Effort effort) {
  std::optional<std::vector<Row>> rows;
  if (effort == Effort::thorough) {
    rows = rows_of_all(setup, Depth::until_parted, true);
  } else {
    const int64_t count = std::min(kPicturesOfSearch, shown_.count());
    rows = rows_of(setup, {std::min(worst_, shown_.count() - count), count}, Depth::until_parted);
  }
  if (!rows) return std::nullopt;
  return score_of(*rows);
}

}  // namespace tessera::parity
