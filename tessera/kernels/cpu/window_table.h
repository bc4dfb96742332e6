// Which token of the map stands at each place of each window.
#pragma once

#include <cstdint>
#include <vector>

#include "tessera/kernels/window_attention.h"

namespace tessera::kernels {

class WindowTable {
 public:
  explicit WindowTable(const WindowGrid& grid);

  static constexpr int32_t kPadding = -1;
  // (M): tokens of the map, or kPadding.
  const int32_t* tokens(int64_t window) const { return tokens_.data() + window * places_; }
  // (M), whole numbers: places of different regions came together by rolling alone.
  const float* regions(int64_t window) const { return regions_.data() + window * places_; }
  // Whether the window has places of several regions.
  bool is_mixed(int64_t window) const { return mixed_[static_cast<size_t>(window)]; }

 private:
  int64_t places_;
  std::vector<int32_t> tokens_;
  std::vector<float> regions_;
  std::vector<bool> mixed_;
};

}  // namespace tessera::kernels
