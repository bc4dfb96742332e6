// How well a model does on a data set.
#pragma once

#include <atomic>
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

// Every picture of the set counts once, the last partial batch included. `loader`: data::evaluation_options(). Nothing
// where `stop` became true meanwhile.
std::optional<Evaluation> evaluate(models::Model& model, std::shared_ptr<const data::DataSet> set,
                                   const data::LoaderOptions& loader, const std::atomic<bool>* stop = nullptr);

}  // namespace tessera::train
