#include "tessera/cli/parity_search.h"

#include <algorithm>
#include <chrono>

namespace tessera::cli {
namespace {

// So much smaller must a difference become before it counts as explained.
constexpr double kClearly = 3;
// What is allowed is measured anew where the difference is not beyond this multiple of it.
constexpr double kNear = 100;

bool better(const Attempt& a, const Attempt& b) { return a.score.better_than(b.score); }

class Search {
 public:
  Search(Comparer& comparer, const Setup& setup, const std::vector<Suspect>& suspects, double seconds)
      : comparer_(comparer), setup_(setup), suspects_(suspects), seconds_(seconds) {}

  Findings run() {
    base_ = comparer_.score(setup_).value();
    for (size_t i = 0; i < suspects_.size(); ++i) attempt({i});
    std::vector<Attempt> singles = attempts_;  // the best first
    std::stable_sort(singles.begin(), singles.end(), better);
    collect();
    if (findings_.agree.empty()) {
      findings_.all_pairs = try_pairs(singles);
      collect();
    }
    return std::move(findings_);
  }

 private:
  bool clearly_better(const Score& score) const {
    return score.first != base_.first ? score.first > base_.first : score.error * kClearly < base_.error;
  }
  bool agrees(const Score& score) const { return score.agrees() && score.excess * kClearly < base_.excess; }

  void attempt(const std::vector<size_t>& which) {
    Setup changed = setup_;
    for (const size_t i : which) suspects_[i].change(changed);
    std::optional<Score> score = comparer_.score(changed);
    if (!score) return;
    ++findings_.tried;
    if (score->excess <= kNear && clearly_better(*score))
      score = comparer_.score(changed, Comparer::Allowance::measured);
    attempts_.push_back({which, *score});
  }

  // By the sum of their ranks, so that two good ones come early. False where the time did not suffice, or one agrees.
  bool try_pairs(const std::vector<Attempt>& singles) {
    for (size_t sum = 1; sum + 1 < 2 * singles.size(); ++sum) {
      for (size_t a = 0; 2 * a < sum; ++a) {
        const size_t b = sum - a;
        if (b >= singles.size()) continue;
        const size_t i = singles[a].suspects[0], j = singles[b].suspects[0];
        if (suspects_[i].group == suspects_[j].group) continue;
        if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > seconds_) return false;
        attempt({std::min(i, j), std::max(i, j)});
        if (agrees(attempts_.back().score)) return false;
      }
    }
    return true;
  }

  void collect() {
    for (const Attempt& attempt : attempts_) {
      if (agrees(attempt.score)) {
        findings_.agree.push_back(attempt);
      } else if (clearly_better(attempt.score)) {
        findings_.nearer.push_back(attempt);
      }
    }
    std::stable_sort(findings_.agree.begin(), findings_.agree.end(),
                     [](const Attempt& a, const Attempt& b) { return a.score.excess < b.score.excess; });
    std::stable_sort(findings_.nearer.begin(), findings_.nearer.end(), better);
    attempts_.clear();
  }

  Comparer& comparer_;
  const Setup& setup_;
  const std::vector<Suspect>& suspects_;
  const double seconds_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Score base_;
  std::vector<Attempt> attempts_;
  Findings findings_;
};

}  // namespace

Findings search(Comparer& comparer, const Setup& setup, const std::vector<Suspect>& suspects, double seconds) {
  return Search(comparer, setup, suspects, seconds).run();
}

}  // namespace tessera::cli
