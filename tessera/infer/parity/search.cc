#include "tessera/infer/parity/search.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace tessera::parity {
namespace {

// So much smaller must a difference become before it counts as explained.
constexpr double kClearly = 3;
// A second, thorough look is worth its time where the difference is not beyond this multiple of what is allowed.
constexpr double kNear = 100;

using Effort = Comparer::Effort;

bool better(const Attempt& a, const Attempt& b) { return a.score.better_than(b.score); }

class Search {
 public:
  Search(Comparer& comparer, const Setup& setup, const std::vector<Suspect>& suspects, double seconds)
      : comparer_(comparer), setup_(setup), suspects_(suspects), seconds_(seconds) {}

  // What makes an earlier tensor agree is taken for true, and the search goes on behind it.
  Findings run() {
    base_.score = comparer_.score(setup_, Effort::glance).value();
    while (true) {
      attempts_.clear();
      try_singles(false);
      if (collect()) break;
      try_singles(true);
      if (collect()) break;
      if (advance()) continue;
      findings_.all_pairs = try_pairs();
      if (collect() || !advance()) break;
    }
    return std::move(findings_);
  }

 private:
  bool clearly_better(const Score& score) const {
    const Score& base = base_.score;
    return score.first != base.first ? score.first > base.first : score.error * kClearly < base.error;
  }
  bool agrees(const Score& score) const { return score.agrees() && score.excess * kClearly < base_.score.excess; }

  bool exclude_each_other(const std::vector<size_t>& which) const {
    std::set<std::string> groups;
    return !std::all_of(which.begin(), which.end(), [&](size_t i) { return groups.insert(suspects_[i].group).second; });
  }

  // The suspects `more`, with those that are taken for true.
  void attempt(const std::vector<size_t>& more) {
    std::vector<size_t> which = base_.suspects;
    which.insert(which.end(), more.begin(), more.end());
    if (exclude_each_other(which)) return;
    Setup changed = setup_;
    for (const size_t i : which) suspects_[i].change(changed);
    std::optional<Score> score = comparer_.score(changed, Effort::glance);
    if (!score) return;
    ++findings_.tried;
    if (score->excess <= kNear && clearly_better(*score)) score = comparer_.score(changed, Effort::thorough);
    attempts_.push_back({which, *score});
  }

  void try_singles(bool rare) {
    for (size_t i = 0; i < suspects_.size(); ++i)
      if (suspects_[i].rare == rare) attempt({i});
  }

  // By the sum of their ranks, so that two good ones come early. False where the time did not suffice, or one agrees.
  bool try_pairs() {
    const std::vector<Attempt> singles = attempts_;  // the best first
    for (size_t sum = 1; sum + 1 < 2 * singles.size(); ++sum) {
      for (size_t a = 0; 2 * a < sum; ++a) {
        const size_t b = sum - a;
        if (b >= singles.size()) continue;
        if (std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count() > seconds_) return false;
        const auto [i, j] = std::minmax({singles[a].suspects.back(), singles[b].suspects.back()});
        attempt({i, j});
        if (agrees(attempts_.back().score)) return false;
      }
    }
    return true;
  }

  // Sorts the attempts; true where some agree.
  bool collect() {
    findings_.nearer.clear();
    std::stable_sort(attempts_.begin(), attempts_.end(), better);
    for (const Attempt& attempt : attempts_) {
      if (agrees(attempt.score)) {
        findings_.agree.push_back(attempt);
      } else if (clearly_better(attempt.score)) {
        findings_.nearer.push_back(attempt);
      }
    }
    std::stable_sort(findings_.agree.begin(), findings_.agree.end(),
                     [](const Attempt& a, const Attempt& b) { return a.score.excess < b.score.excess; });
    return !findings_.agree.empty();
  }

  bool advance() {
    if (attempts_.empty() || attempts_[0].score.first <= base_.score.first) return false;
    base_ = attempts_[0];
    return true;
  }

  Comparer& comparer_;
  const Setup& setup_;
  const std::vector<Suspect>& suspects_;
  const double seconds_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  Attempt base_;  // what is taken for true
  std::vector<Attempt> attempts_;
  Findings findings_;
};

}  // namespace

Findings search(Comparer& comparer, const Setup& setup, const std::vector<Suspect>& suspects, double seconds) {
  return Search(comparer, setup, suspects, seconds).run();
}

}  // namespace tessera::parity
