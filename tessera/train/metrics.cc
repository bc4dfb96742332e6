#include "tessera/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tessera/core/error.h"

namespace tessera::train {

namespace {

double mean_of(double sum, double count) { return count ? sum / count : 0.0; }

}  // namespace

Metrics::Metrics(int64_t num_classes)
    : num_classes_(num_classes), confusion_(static_cast<size_t>(num_classes * num_classes), 0) {}

template <class T>
void Metrics::add_rows(std::span<const T> logits, std::span<const int64_t> labels) {
  const auto K = static_cast<size_t>(num_classes_);
  TESSERA_CHECK(logits.size() == labels.size() * K, "metrics: {} logits came for {} labels of {} classes",
                logits.size(), labels.size(), K);
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::span<const T> row = logits.subspan(i * K, K);
    TESSERA_CHECK(labels[i] >= 0 && labels[i] < num_classes_, "metrics: the label {} is not one of {} classes",
                  labels[i], K);
    const auto label = static_cast<size_t>(labels[i]);
    size_t best = 0, rank = 0;
    for (size_t k = 0; k < K; ++k) {
      TESSERA_CHECK(!std::isnan(row[k]), "metrics: the logits hold NaN");
      if (row[k] > row[best]) best = k;
      rank += row[k] > row[label] || (row[k] == row[label] && k < label);
    }
    double sum = 0;
    for (T logit : row) sum += std::exp(static_cast<double>(logit) - static_cast<double>(row[best]));
    loss_sum_ += std::log(sum) + static_cast<double>(row[best]) - static_cast<double>(row[label]);
    if (rank < kMostTop) ++with_rank_[rank];
    ++confusion_[label * K + best];
    ++count_;
  }
}

void Metrics::add(std::span<const float> logits, std::span<const int64_t> labels) { add_rows(logits, labels); }
void Metrics::add(std::span<const double> logits, std::span<const int64_t> labels) { add_rows(logits, labels); }

double Metrics::top(int k) const {
  TESSERA_CHECK(k >= 1 && k <= kMostTop, "metrics: top-k accuracy is kept for k in 1 … {}, not {}", kMostTop, k);
  const int64_t hits = std::accumulate(with_rank_.begin(), with_rank_.begin() + k, int64_t{0});
  return mean_of(static_cast<double>(hits), static_cast<double>(count_));
}

double Metrics::loss() const { return mean_of(loss_sum_, static_cast<double>(count_)); }

std::vector<ClassScore> Metrics::per_class() const {
  const auto K = static_cast<size_t>(num_classes_);
  std::vector<ClassScore> scores(K);
  for (size_t label = 0; label < K; ++label) {
    for (size_t guess = 0; guess < K; ++guess) {
      const int64_t count = confusion_[label * K + guess];
      scores[label].support += count;
      scores[guess].predicted += count;
      if (label == guess) scores[label].correct = count;
    }
  }
  return scores;
}

double Metrics::macro_f1() const {
  double sum = 0;
  for (const ClassScore& score : per_class()) sum += score.f1();
  return mean_of(sum, static_cast<double>(num_classes_));
}

double Metrics::macro_f1_occurring() const {
  double sum = 0, classes = 0;
  for (const ClassScore& score : per_class()) {
    sum += score.f1();
    classes += score.support + score.predicted > 0;
  }
  return mean_of(sum, classes);
}

double Metrics::weighted_f1() const {
  double sum = 0;
  for (const ClassScore& score : per_class()) sum += score.f1() * static_cast<double>(score.support);
  return mean_of(sum, static_cast<double>(count_));
}

double Metrics::balanced_accuracy() const {
  double sum = 0, classes = 0;
  for (const ClassScore& score : per_class()) {
    sum += score.recall();
    classes += score.support > 0;
  }
  return mean_of(sum, classes);
}

}  // namespace tessera::train
