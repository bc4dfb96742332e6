// A registered model held against the outputs of its original: logits and every intermediate within the case's strict
// bound, gradients within the case's, running statistics, parameters exactly.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tessera/models/model.h"
#include "tests/golden_model.h"

namespace tessera::test {

struct GoldenNet {
  // The original's name of a weight or an intermediate -> ours.
  using Rename = std::function<std::string(const std::string&)>;

  GoldenCase golden;
  std::unique_ptr<models::Model> model;  // with the case's weights
  Tensor images;                         // (B, H, W, C)
  Rename rename;
  bool maps_are_nchw;  // what of rank 4 the original gives: (B, C, H, W), or as we do (B, H, W, C)
};

// Reads tests/golden/models/<name>.json and fills the model of this architecture; an Error where a tensor is missing or
// left over. Names that are ours already must also come in our order: a state dict's order is part of the interchange.
GoldenNet golden_net(
    const std::string& name, const std::string& architecture, bool maps_are_nchw = true,
    const GoldenNet::Rename& rename = [](const std::string& their_name) { return their_name; });

// Logits in use (frozen weights: norms folded) and with everything tapped; every intermediate; the parameter count.
// other(name): what to compare an expected array with that is offered under no tap; undefined to leave it out.
void expect_outputs(GoldenNet& net, const std::function<Tensor(const std::string&)>& other = {});

// Loss, gradients of every parameter and of the picture; in training mode also the statistics that were counted.
void expect_gradients(GoldenNet& net);

}  // namespace tessera::test
