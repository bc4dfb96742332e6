#include "tessera/train/evaluate.h"

#include "tessera/ops/tape.h"

namespace tessera::train {

std::optional<Evaluation> evaluate(models::Model& model, std::shared_ptr<const data::DataSet> set,
                                   const data::LoaderOptions& options, const std::atomic<bool>* stop) {
  const ops::NoGrad no_grad;
  data::Loader loader(std::move(set), options);
  Metrics metrics(model.num_classes());
  while (const std::optional<data::Batch> batch = loader.next()) {
    if (stop && *stop) return std::nullopt;
    const Tensor logits = model.forward(batch->images);  // (B, K)
    metrics.add(logits.span(), batch->labels.span<int64_t>());
  }
  return Evaluation{std::move(metrics), loader.corrupt()};
}

}  // namespace tessera::train
