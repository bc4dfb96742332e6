// How well a model does on a data set.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/data/batches.h"
#include "tessera/models/model.h"
#include "tessera/train/metrics.h"

namespace tessera::train {

struct Evaluation {
  Metrics metrics;
  std::vector<std::string> corrupt;  // the errors of pictures that could not be read and so do not count
};

// Pictures in a mirror. (B, H, W, C) -> (B, H, W, C)
Tensor mirrored(const Tensor& images);
// The mean of what a model answers to pictures and to their mirror images. (B, H, W, C) -> (B, K)
Tensor mean_with_mirrored(const std::function<Tensor(const Tensor& images)>& logits, const Tensor& images);

// Every picture of the set counts once, the last partial batch included. `loader`: data::evaluation_options(). Nothing
// where `stop` became true meanwhile. flip: by the mean of the logits of each picture and its mirror image.
std::optional<Evaluation> evaluate(models::Model& model, std::shared_ptr<const data::DataSet> set,
                                   const data::LoaderOptions& loader, const std::atomic<bool>* stop = nullptr,
                                   bool flip = false);

}  // namespace tessera::train
