// Which layers there are, and how they are built from a user's words.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tessera/models/network_layers.h"
#include "tessera/models/network_text.h"
#include "tessera/models/shape_walk.h"

namespace tessera::models {

// What is built so far, and where.
struct NetworkBuild {
  ShapeWalk walk;                 // the picture's way to here
  int64_t num_classes = 0;        // width of "linear classes"; 0: such layers are left out
  std::string path = "layers";    // of the sequence that is being built
  bool asks_for_classes = false;  // whether a layer has as many outputs as there are classes
  bool of_one_size = false;       // whether pictures of other sizes do not fit
  int64_t layers = 0;             // so far
};

// The layers of a list, from where `build.walk` is on. A UsageError names the layer and what is wrong.
std::unique_ptr<Sequence> build_layers(const std::vector<LayerSpec>& specs, NetworkBuild& build,
                                       std::string index = "");

// For help: a line for each layer with its usage.
std::string layers_help();

}  // namespace tessera::models
