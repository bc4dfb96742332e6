// A residual branch of a transformer block: x + drop_path(γ·layer(x)).
#pragma once

#include "tessera/nn/module.h"
#include "tessera/ops/add.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/linear.h"
#include "tessera/ops/scale.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/tape.h"
#include "tessera/ops/training.h"

namespace tessera::nn {

struct Branch {
  const Module& block;         // whose branch it is
  const char* drop_path_name;  // what draws it, below the block
  float drop_path = 0;
  Tensor gamma = {};  // of layer scale, if there is one
};

// residual + run(last), last: options of the layer's last product. Where nothing stands between the two, the layer adds
// the residual behind that product, in inference with the scale. Offers the branch, before layer scale, as a tap of the
// layer's name.
template <class Layer, class Run>
Tensor add_branch(const Branch& branch, const Layer& layer, const Run& run, const Tensor& residual) {
  const bool dropping = ops::current_training() && (layer.dropout() > 0 || branch.drop_path > 0);
  const bool scaling = branch.gamma && ops::recording({residual, branch.gamma});
  if (!dropping && !scaling && !ops::tapped(layer.path()))
    return run(ops::LinearOptions{.scale = branch.gamma, .residual = residual});  // as the residual
  Tensor y = run(ops::LinearOptions{});                                           // as the residual
  ops::tap(layer.path(), y);
  if (branch.gamma) y = ops::scale(y, branch.gamma);
  return ops::add(residual, ops::drop_path(y, branch.drop_path, branch.block.path(branch.drop_path_name)));
}

}  // namespace tessera::nn
