// One step of what `tessera bench` measures.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tessera/models/model.h"

namespace tessera::cli {

// The same architecture with every drop rate at 0.
std::string without_dropout(const std::string& architecture);

// float32 (B, C, H, W), normalised, to logits.
std::function<void()> infer_step(std::shared_ptr<models::Model> model, int64_t batch);

// Forward, loss, backward, clipping and AdamW.
std::function<void()> train_step(std::shared_ptr<models::Model> model, int64_t batch);

struct Timing {
  double elapsed = 0;         // seconds
  std::vector<double> steps;  // seconds each

  double median() const;
};

// Steps for so many seconds, and at least one, after a warm-up.
Timing measure(const std::function<void()>& step, double seconds);

}  // namespace tessera::cli
