#include "tessera/train/evaluate.h"

#include <algorithm>

#include "tessera/core/parallel.h"
#include "tessera/ops/tape.h"

namespace tessera::train {

Tensor mirrored(const Tensor& images) {
  const int64_t rows = images.size(0) * images.size(1), W = images.size(2), C = images.size(3);
  const Tensor result = Tensor::empty(images.shape());
  parallel_for(rows, 256, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int64_t x = 0; x < W; ++x)
        std::copy_n(images.data() + (row * W + x) * C, C, result.data() + (row * W + W - 1 - x) * C);
  });
  return result;
}

Tensor mean_with_mirrored(const std::function<Tensor(const Tensor&)>& logits, const Tensor& images) {
  const Tensor straight = logits(images), turned = logits(mirrored(images));  // (B, K)
  const Tensor mean = Tensor::empty(straight.shape());
  for (int64_t i = 0; i < mean.numel(); ++i) mean.data()[i] = 0.5f * (straight.data()[i] + turned.data()[i]);
  return mean;
}

std::optional<Evaluation> evaluate(models::Model& model, std::shared_ptr<const data::DataSet> set,
                                   const data::LoaderOptions& options, const std::atomic<bool>* stop, bool flip) {
  const ops::NoGrad no_grad;
  data::Loader loader(std::move(set), options);
  Metrics metrics(model.num_classes());
  while (const std::optional<data::Batch> batch = loader.next()) {
    if (stop && *stop) return std::nullopt;
    const auto answer = [&](const Tensor& images) { return model.forward(images); };
    const Tensor logits = flip ? mean_with_mirrored(answer, batch->images) : answer(batch->images);  // (B, K)
    metrics.add(logits.span(), batch->labels.span<int64_t>());
  }
  return Evaluation{std::move(metrics), loader.corrupt()};
}

}  // namespace tessera::train
