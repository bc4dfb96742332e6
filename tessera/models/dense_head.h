// Keys of the heads that AlexNet, ZFNet and VGG have: the last map brought to a fixed size, whatever the picture's,
// then layers that are connected to everything, with dropout.
#pragma once

#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/nn/classifier.h"
#include "tessera/ops/pooling.h"

namespace tessera::models {

struct DenseHeadConfig {
  int64_t pool_size;  // rows and columns that the last map is averaged to
  std::vector<int64_t> hidden = {4096, 4096};
  double dropout = 0.5;

  void visit(Options& o) {
    o.section("Head");
    o("pool_size", pool_size, "rows and columns that the last map is averaged to").at_least(1).at_most(1024);
    o("hidden", hidden, "widths of the connected layers in front of the last one").at_least(1).at_most(1000000);
    o("dropout", dropout, "at each of them").at_least(0).below(1);
  }
  // Of so many channels. name(i): of the i-th connected layer.
  template <class Name>
  nn::DenseClassifierConfig classifier(int64_t channels, int64_t classes, Name name) const {
    nn::DenseClassifierConfig config = {
        .in = channels * pool_size * pool_size, .hidden = hidden, .classes = classes, .names = {}, .dropout = dropout};
    for (size_t i = 0; i <= hidden.size(); ++i) config.names.push_back(name(i));
    return config;
  }
  // (B, H, W, C) -> (B, pool_size, pool_size, C)
  Tensor pool(const Tensor& map) const { return ops::adaptive_avg_pool2d(map, {pool_size, pool_size}); }
};

}  // namespace tessera::models
