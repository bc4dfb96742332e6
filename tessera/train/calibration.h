// How far a classifier's probabilities can be believed. Guo et al., "On Calibration of Modern Neural Networks" (ICML
// 2017).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tessera::train {

struct Calibration {
  struct Bin {
    int64_t count = 0;
    double accuracy = 0, confidence = 0;  // means; 0 where it is empty
  };
  // Pictures by their largest probability: 15 equal bins, the k-th from k/15 (not included) to (k + 1)/15.
  std::vector<Bin> bins;
  double loss = 0;   // mean negative log-likelihood
  double brier = 0;  // mean over pictures of Σ over classes (p - [label])² (scikit-learn's is half of it)
  double ece = 0;    // expected calibration error: mean over pictures of |accuracy - confidence| of their bins
  double mce = 0;    // the largest of these
};

// Of softmax(logits / temperature). logits (labels.size(), classes), row-major, finite; labels in [0, classes).
Calibration calibration(std::span<const float> logits, std::span<const int64_t> labels, int64_t classes,
                        double temperature = 1);
Calibration calibration(std::span<const double> logits, std::span<const int64_t> labels, int64_t classes,
                        double temperature = 1);

// The temperature, from 0.001 to 1000, at which the mean negative log-likelihood is least: scaling by it changes no
// answer, only how sure it is. To be chosen on other pictures than it is judged by.
double best_temperature(std::span<const float> logits, std::span<const int64_t> labels, int64_t classes);
double best_temperature(std::span<const double> logits, std::span<const int64_t> labels, int64_t classes);

}  // namespace tessera::train
