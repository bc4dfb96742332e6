#include "tessera/train/teacher.h"

#include <algorithm>
#include <vector>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/core/sha256.h"
#include "tessera/image/resample.h"

namespace tessera::train {
namespace {

constexpr float kLuma[] = {0.299f, 0.587f, 0.114f};  // of R, G and B, as Pillow's convert("L")

std::string identity_of(models::Model& model, image::Preprocess how) {
  Options declared;
  how.visit(declared);
  Sha256 hash;
  hash.add(model.architecture());
  hash.add(declared.to_json());
  for (const nn::Parameter& parameter : model.state()) {
    hash.add(parameter.name);
    hash.add({parameter.tensor->raw(), parameter.tensor->bytes()});
  }
  return hash.digest();
}

// n pixels of the student's input -> of the teacher's, of the same size.
void translate(const float* in, int64_t n, const image::Preprocess& from, const image::Preprocess& to, float* out) {
  const auto pixel = [&](int64_t i, int64_t c) {  // in [0, 1]
    const auto channel = static_cast<size_t>(c);
    return in[i * from.channels + c] * static_cast<float>(from.std[channel]) + static_cast<float>(from.mean[channel]);
  };
  for (int64_t i = 0; i < n; ++i) {
    const float gray =
        from.channels == 1 ? pixel(i, 0) : kLuma[0] * pixel(i, 0) + kLuma[1] * pixel(i, 1) + kLuma[2] * pixel(i, 2);
    for (int64_t c = 0; c < to.channels; ++c) {
      const auto channel = static_cast<size_t>(c);
      const float value = from.channels == to.channels ? pixel(i, c) : gray;
      out[i * to.channels + c] = (value - static_cast<float>(to.mean[channel])) / static_cast<float>(to.std[channel]);
    }
  }
}

}  // namespace

Teacher::Teacher(std::shared_ptr<models::Model> model, image::Preprocess how)
    : model_(std::move(model)), how_(std::move(how)), identity_(identity_of(model_.model(), how_)) {
  const models::PictureSize input = model_.model().input();
  TESSERA_CHECK(input.height == how_.height && input.width == how_.width && input.channels == how_.channels,
                "the teacher takes pictures of {} x {} x {}, but its preprocessing makes them {} x {} x {}",
                input.height, input.width, input.channels, how_.height, how_.width, how_.channels);
}

// (B, H, W, C) -> (B, the teacher's H, W, C)
Tensor Teacher::as_seen(const Tensor& images, const image::Preprocess& student) const {
  const int64_t B = images.size(0), h = images.size(1), w = images.size(2);
  const bool same_size = h == how_.height && w == how_.width;
  if (same_size && student.mean == how_.mean && student.std == how_.std) return images;
  const image::Filter named = image::filter_named(how_.interpolation);
  const image::Filter filter = named == image::Filter::nearest ? image::Filter::box : named;
  const Tensor seen = Tensor::empty({B, how_.height, how_.width, how_.channels});
  const int64_t in_size = h * w * student.channels, out_size = seen.numel() / B;
  parallel_for(B, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> translated(same_size ? 0 : static_cast<size_t>(h * w * how_.channels));
    for (int64_t b = begin; b < end; ++b) {
      const float* in = images.data() + b * in_size;
      float* out = seen.data() + b * out_size;
      translate(in, h * w, student, how_, same_size ? out : translated.data());
      if (!same_size) image::resample(translated.data(), h, w, how_.channels, filter, how_.height, how_.width, out);
    }
  });
  return seen;
}

Tensor Teacher::logits(const Tensor& images, const image::Preprocess& student) const {
  return model_.logits(as_seen(images, student));  // (B, K)
}

}  // namespace tessera::train
