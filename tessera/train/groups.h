// Which parameter learns at which rate and which is decayed, as ranges of the flat buffer.
#pragma once

#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/train/flat_parameters.h"

namespace tessera::train {

// Elements [begin, end) of the flat buffers, gaps included, that share their rates. Ranges cover the buffer in order.
struct Group {
  int64_t begin = 0, end = 0;
  double lr_scale = 1;      // times the schedule's rate
  double weight_decay = 0;  // times the rate
  int64_t size = 0;         // elements without gaps
  // Of a group that is one weight of a hidden layer, seen as a matrix: its rows (a convolution's outputs); else 0.
  int64_t rows = 0;
};

enum class Decayed {
  weights,          // of two or more dimensions, except those that the model leaves out: positions, class token
  two_dimensional,  // all of two or more dimensions
  everything,
};

struct GroupOptions {
  double weight_decay = 0;
  Decayed decayed = Decayed::weights;
  // Layer l of a model with layers 0 … L learns at layer_decay^(L − l) of the rate, as in Clark et al., "ELECTRA"
  // (2020) and BEiT; 1: all alike.
  double layer_decay = 1;
  bool by_parameter = false;  // a group for each parameter, for update rules that look at whole tensors
};

std::vector<Group> parameter_groups(const models::Model& model, const FlatParameters& parameters,
                                    const GroupOptions& options);

}  // namespace tessera::train
