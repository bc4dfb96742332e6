// What a classifier gets right, counted over any number of batches.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace tessera::train {

// One class against the rest. 0/0 counts as 0.
struct ClassScore {
  int64_t support = 0;    // pictures of this class
  int64_t predicted = 0;  // pictures taken for it
  int64_t correct = 0;
  double precision() const { return ratio(correct, predicted); }
  double recall() const { return ratio(correct, support); }  // the class's accuracy
  double f1() const { return ratio(2 * correct, support + predicted); }

 private:
  static double ratio(int64_t part, int64_t of) {
    return of ? static_cast<double>(part) / static_cast<double>(of) : 0.0;
  }
};

class Metrics {
 public:
  explicit Metrics(int64_t num_classes);

  // logits (labels.size(), K), row-major. Among equal logits the lowest class comes first. A label outside [0, K) or a
  // NaN throws. `losses` of the batch are summed in double: -log softmax(logits)[label], without smoothing.
  void add(std::span<const float> logits, std::span<const int64_t> labels);
  void add(std::span<const double> logits, std::span<const int64_t> labels);

  int64_t count() const { return count_; }
  double accuracy() const { return top(1); }
  // The share of pictures whose label is among the k best. k in [1, 10], or K where that is less.
  double top(int k) const;
  double loss() const;  // mean negative log-likelihood
  int64_t num_classes() const { return num_classes_; }
  // (K, K) counts [true][predicted]
  std::span<const int64_t> confusion() const { return confusion_; }

  std::vector<ClassScore> per_class() const;
  double macro_f1() const;            // over all classes
  double macro_f1_occurring() const;  // over classes that occur in labels or predictions, as scikit-learn does
  double weighted_f1() const;         // weighted by support
  double balanced_accuracy() const;   // the mean recall of the classes that occur

 private:
  static constexpr int kMostTop = 10;
  template <class T>
  void add_rows(std::span<const T> logits, std::span<const int64_t> labels);

  int64_t num_classes_;
  int64_t count_ = 0;
  double loss_sum_ = 0;
  std::array<int64_t, kMostTop> with_rank_{};  // pictures whose label has exactly this many classes before it
  std::vector<int64_t> confusion_;
};

}  // namespace tessera::train
