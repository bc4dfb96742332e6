#include "tessera/train/calibration.h"

#include <algorithm>
#include <cmath>

#include "tessera/core/error.h"

namespace tessera::train {
namespace {

constexpr int kBins = 15;
constexpr double kLeastScale = 1e-3, kMostScale = 1e3;  // 1 / temperature

// softmax(scale · row) into p; returns log Σ exp(scale · row).
template <class T>
double softmax(std::span<const T> row, double scale, std::vector<double>& p) {
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (size_t k = 0; k < row.size(); ++k) sum += p[k] = std::exp(scale * (row[k] - largest));
  for (double& value : p) value /= sum;
  return std::log(sum) + scale * largest;
}

template <class T>
void check(std::span<const T> logits, std::span<const int64_t> labels, int64_t classes) {
  TESSERA_CHECK(classes > 0 && !labels.empty() && logits.size() == labels.size() * static_cast<size_t>(classes),
                "calibration: {} logits came for {} labels of {} classes", logits.size(), labels.size(), classes);
}

template <class T>
Calibration measure(std::span<const T> logits, std::span<const int64_t> labels, int64_t classes, double temperature) {
  check(logits, labels, classes);
  const auto K = static_cast<size_t>(classes);
  const auto n = static_cast<double>(labels.size());
  Calibration result;
  result.bins.resize(kBins);
  std::vector<double> p(K);
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::span<const T> row = logits.subspan(i * K, K);
    const auto label = static_cast<size_t>(labels[i]);
    const double log_sum = softmax(row, 1 / temperature, p);
    result.loss += (log_sum - row[label] / temperature) / n;
    for (size_t k = 0; k < K; ++k) result.brier += std::pow(p[k] - (k == label ? 1.0 : 0.0), 2) / n;
    const auto best = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    const int bin = std::clamp(static_cast<int>(std::ceil(p[best] * kBins)) - 1, 0, kBins - 1);
    Calibration::Bin& mine = result.bins[static_cast<size_t>(bin)];
    ++mine.count;
    mine.accuracy += best == label;
    mine.confidence += p[best];
  }
  for (Calibration::Bin& bin : result.bins) {
    if (bin.count == 0) continue;
    const auto count = static_cast<double>(bin.count);
    bin.accuracy /= count;
    bin.confidence /= count;
    const double error = std::abs(bin.accuracy - bin.confidence);
    result.ece += count / n * error;
    result.mce = std::max(result.mce, error);
  }
  return result;
}

// The loss as a function of s = 1/T is convex: its slope Σ (E_p[z] - z_label) grows with Var_p[z]. Newton's steps,
// within a bracket that closes in.
template <class T>
double least_loss(std::span<const T> logits, std::span<const int64_t> labels, int64_t classes) {
  check(logits, labels, classes);
  const auto K = static_cast<size_t>(classes);
  std::vector<double> p(K);
  double low = kLeastScale, high = kMostScale, scale = 1;
  for (int step = 0; step < 100; ++step) {
    double slope = 0, curvature = 0;
    for (size_t i = 0; i < labels.size(); ++i) {
      const std::span<const T> row = logits.subspan(i * K, K);
      const double label = row[static_cast<size_t>(labels[i])];
      softmax(row, scale, p);
      double mean = 0, square = 0;  // of the logits above the label's
      for (size_t k = 0; k < K; ++k) {
        mean += p[k] * (row[k] - label);
        square += p[k] * (row[k] - label) * (row[k] - label);
      }
      slope += mean;
      curvature += square - mean * mean;
    }
    (slope < 0 ? low : high) = scale;
    const double newton = curvature > 0 ? scale - slope / curvature : low;
    const double next = newton > low && newton < high ? newton : std::sqrt(low * high);
    if (std::abs(next - scale) <= 1e-12 * scale) break;
    scale = next;
  }
  return 1 / scale;
}

}  // namespace

Calibration calibration(std::span<const float> logits, std::span<const int64_t> labels, int64_t classes,
                        double temperature) {
  return measure(logits, labels, classes, temperature);
}

Calibration calibration(std::span<const double> logits, std::span<const int64_t> labels, int64_t classes,
                        double temperature) {
  return measure(logits, labels, classes, temperature);
}

double best_temperature(std::span<const float> logits, std::span<const int64_t> labels, int64_t classes) {
  return least_loss(logits, labels, classes);
}

double best_temperature(std::span<const double> logits, std::span<const int64_t> labels, int64_t classes) {
  return least_loss(logits, labels, classes);
}

}  // namespace tessera::train
