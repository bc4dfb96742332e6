#include "tessera/infer/classifier.h"

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/image/decode.h"

namespace tessera::infer {

Classifier::Classifier(std::shared_ptr<models::Model> model, weights::ModelInfo info)
    : network_(std::move(model), info.class_names), info_(std::move(info)) {
  require_pictures(input());
  preprocess_ = info_.preprocess.empty() ? default_preprocess(network_.model()) : stored_preprocess(info_.preprocess);
  check_suits(preprocess_, network_.model());
}

Classifier Classifier::with_preprocess(const image::Preprocess& how) const {
  Classifier other = *this;
  other.info_.preprocess = to_json(how);
  other.preprocess_ = stored_preprocess(other.info_.preprocess);  // which refuses what cannot be
  check_suits(other.preprocess_, model());
  return other;
}

Classifier Classifier::with_precision(ops::Precision precision) const {
  Classifier other = *this;
  other.network_ = network_.with_precision(precision);
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
  const auto [H, W, C] = input();
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

Classification Classifier::classify(const image::Picture& picture, int64_t top) const {
  return std::move(classify(std::span(&picture, 1), top).front());
}

Classification Classifier::classify(const std::filesystem::path& path, int64_t top) const {
  return classify(image::decode_file(path, {.need = image::need_of(preprocess_)}), top);
}

std::vector<Classification> Classifier::classify(std::span<const image::Picture> pictures, int64_t top) const {
  if (pictures.empty()) return {};
  return network_.rank_all(logits(prepare(pictures)), top);  // (B, K)
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
