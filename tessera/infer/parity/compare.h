// A model's numbers against those of its original, in the order of the forward pass: tessera parity.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tessera/infer/parity/reference.h"
#include "tessera/infer/parity/setup.h"

namespace tessera::parity {

// One tensor, ours against the original's.
struct Row {
  std::string name;
  double largest = 0;       // max |original|
  double absolute = 0;      // max |ours - original|; infinite where a value is not finite
  double allowed = 0;       // of the relative difference
  int64_t worst = 0;        // the picture where the difference is largest
  std::string misfit = {};  // why the two cannot be compared; else empty
  double relative() const;
  bool agrees() const { return misfit.empty() && relative() <= allowed; }
};

// How far two agree, for comparing attempts.
struct Score {
  size_t first = 0;   // the row where they part first; the number of rows where they agree
  double error = 0;   // the relative difference there
  double excess = 0;  // the largest relative difference over what is allowed there
  bool agrees() const { return excess <= 1; }
  // They agree further, or as far and better.
  bool better_than(const Score& other) const {
    return first != other.first ? first > other.first : error < other.error;
  }
};

class Comparer {
 public:
  // tolerance: allowed everywhere; 0: ten times what float32 may lose at each tensor. That is measured: as the largest
  // change there when every weight and every value of the input moves by one unit in its last place, up or down at
  // random, and at least float32's epsilon. Both must outlive this.
  Comparer(const Shown& shown, const Reference& reference, double tolerance)
      : shown_(shown), reference_(reference), tolerance_(tolerance) {}

  // Over all pictures. An Error where nothing of the reference is a tensor of this model.
  std::vector<Row> rows(const Setup& setup);
  // After rows(); nothing where the setup cannot be built. A glance: at the picture that was worst and one beside it,
  // with what float32 loses as rows() found it. Thorough: at all pictures, and that measured anew, since it may differ
  // much where an epsilon is of another size.
  enum class Effort { glance, thorough };
  std::optional<Score> score(const Setup& setup, Effort effort);
  // Arrays of the reference of which the model has none, after rows().
  const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  struct Part {
    int64_t begin, count;
  };
  enum class Depth { all, until_parted };

  std::optional<std::vector<Row>> rows_of_all(const Setup& setup, Depth depth, bool measured);
  std::optional<std::vector<Row>> rows_of(const Setup& setup, const Part& part, Depth depth);
  void add_pictures(const Setup& setup, const Part& part, std::vector<Row>& rows, Tensor& images) const;
  void set_allowed(const Setup& setup, std::vector<Row>& rows, const Part& part) const;

  const Shown& shown_;
  const Reference& reference_;
  double tolerance_;
  std::vector<std::string> unknown_;
  int64_t worst_ = 0;                      // the picture that parts first most
  std::map<std::string, double> allowed_;  // of the setup that rows() was called with
};

}  // namespace tessera::parity
