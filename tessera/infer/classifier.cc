#include "tessera/infer/classifier.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/image/decode.h"

namespace tessera::infer {
namespace {

std::vector<std::string> numbered_classes(int64_t count) {
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) names.push_back(fmt::format("class {}", i));
  return names;
}

}  // namespace

Classifier::Classifier(std::shared_ptr<models::Model> model, weights::ModelInfo info)
    : Classifier(models::FrozenModel(std::move(model)), std::move(info)) {}

Classifier::Classifier(models::FrozenModel model, weights::ModelInfo info)
    : model_(std::move(model)), info_(std::move(info)) {
  const models::PictureSize input = this->input();
  preprocess_ = info_.preprocess.empty() ? default_preprocess(input) : stored_preprocess(info_.preprocess);
  TESSERA_CHECK(
      preprocess_.height == input.height && preprocess_.width == input.width && preprocess_.channels == input.channels,
      "the preprocessing makes pictures of {}x{}x{}, but the model takes {}x{}x{}", preprocess_.height,
      preprocess_.width, preprocess_.channels, input.height, input.width, input.channels);
  names_ = info_.class_names.empty() ? numbered_classes(num_classes()) : info_.class_names;
  TESSERA_CHECK(static_cast<int64_t>(names_.size()) == num_classes(), "{} class names for a model of {} classes",
                names_.size(), num_classes());
}

Classifier Classifier::with_preprocess(const image::Preprocess& how) const {
  weights::ModelInfo info = info_;
  info.preprocess = to_json(how);
  Classifier other(model_, std::move(info));
  other.precision_ = precision_;
  return other;
}

Classifier Classifier::with_precision(ops::Precision precision) const {
  const ops::WithPrecision tried(precision);
  Classifier other = *this;
  other.precision_ = precision;
  return other;
}

Classifier Classifier::load(const std::filesystem::path& path, const weights::LoadOptions& options) {
  weights::LoadOptions to_use = options;
  to_use.fill.purpose = weights::Purpose::use;
  return from(weights::load_model(path, to_use));
}

Classifier Classifier::from(weights::LoadedModel loaded) {
  try {
    loaded.info.preprocess = to_json(preprocess_of(loaded));
    return Classifier(std::move(loaded.model), std::move(loaded.info));
  } catch (const Error& error) {
    const std::string file = loaded.file.string();
    if (std::string_view(error.what()).starts_with(file)) throw;
    fail("{}: {}", file, error.what());
  }
}

Tensor Classifier::prepare(std::span<const image::Picture> pictures) const {
  const auto [H, W, C] = model().input();
  const auto B = static_cast<int64_t>(pictures.size());
  const Tensor images = Tensor::empty({B, H, W, C});
  float* out = images.data();
  parallel_for(B, 1, [&, picture_size = H * W * C](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const image::Picture seen = image::fit(pictures[static_cast<size_t>(b)], preprocess_);
      image::normalise(seen, preprocess_, image::Layout::nhwc, out + b * picture_size);
    }
  });
  return images;
}

Tensor Classifier::logits(const Tensor& images) const {
  const ops::WithPrecision precision(precision_);
  return model_.logits(images);
}

Classification Classifier::rank(std::span<const float> logits, int64_t top) const {
  TESSERA_CHECK(num_classes() > 0, "this model has no classes; ask for its logits, which are features");
  TESSERA_CHECK(static_cast<int64_t>(logits.size()) == num_classes(), "{} logits for {} classes", logits.size(),
                num_classes());
  TESSERA_CHECK(std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); }),
                "the logits are not finite: the input or the weights hold NaN, infinity or very large numbers");
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits) sum += std::exp(logit - largest);

  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto count = static_cast<std::ptrdiff_t>(std::clamp<int64_t>(top, 0, num_classes()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(),
                    [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; });
  Classification result;
  result.logits.assign(logits.begin(), logits.end());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const size_t k = order[static_cast<size_t>(i)];
    result.top.push_back({static_cast<int64_t>(k), names_[k], std::exp(logits[k] - largest) / sum});
  }
  return result;
}

Classification Classifier::classify(const image::Picture& picture, int64_t top) const {
  return std::move(classify(std::span(&picture, 1), top).front());
}

Classification Classifier::classify(const std::filesystem::path& path, int64_t top) const {
  return classify(image::decode_file(path, {.need = image::need_of(preprocess_)}), top);
}

std::vector<Classification> Classifier::classify(std::span<const image::Picture> pictures, int64_t top) const {
  std::vector<Classification> results;
  if (pictures.empty()) return results;
  const Tensor all = logits(prepare(pictures));  // (B, K)
  const auto K = static_cast<size_t>(all.size(1));
  for (size_t b = 0; b < pictures.size(); ++b) results.push_back(rank(all.span().subspan(b * K, K), top));
  return results;
}

Tensor channels_last(const Tensor& images) {
  TESSERA_CHECK(images.rank() == 4, "channels_last: images must be (B, C, H, W), but they are {}",
                to_string(images.shape()));
  const int64_t B = images.size(0), C = images.size(1), H = images.size(2), W = images.size(3);
  const Tensor result = Tensor::empty({B, H, W, C});
  const float* from = images.data();
  float* to = result.data();
  parallel_for(B * H, 16, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* in = from + (row / H * C * H + row % H) * W;  // of channel 0
      float* out = to + row * W * C;
      for (int64_t c = 0; c < C; ++c)
        for (int64_t x = 0; x < W; ++x) out[x * C + c] = in[c * H * W + x];
    }
  });
  return result;
}

}  // namespace tessera::infer
