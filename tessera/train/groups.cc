#include "tessera/train/groups.h"

#include <cmath>

namespace tessera::train {

namespace {

bool is_decayed(const models::Model& model, const FlatParameters::Slice& slice, Decayed decayed) {
  if (decayed == Decayed::everything) return true;
  if (slice.shape.rank() < 2) return false;
  return decayed == Decayed::two_dimensional || !model.no_weight_decay(slice.name);
}

// Of a weight between the first layer and the head that mixes channels: linear, or a convolution that is not depthwise.
int64_t hidden_rows(const models::Model& model, const FlatParameters::Slice& slice) {
  const int64_t layer = model.layer_of(slice.name), rank = slice.shape.rank();
  const bool hidden = layer > 0 && layer < model.num_layers() - 1 && !model.no_weight_decay(slice.name);
  const bool mixes = rank == 2 || (rank == 4 && slice.shape[1] > 1);
  return hidden && mixes && slice.shape[0] > 1 && slice.size > slice.shape[0] ? slice.shape[0] : 0;
}

}  // namespace

std::vector<Group> parameter_groups(const models::Model& model, const FlatParameters& parameters,
                                    const GroupOptions& options) {
  std::vector<Group> groups;
  const auto& slices = parameters.slices();
  for (size_t i = 0; i < slices.size(); ++i) {
    const int64_t end = i + 1 < slices.size() ? slices[i + 1].begin : parameters.size();
    const auto below_top = static_cast<double>(model.num_layers() - 1 - model.layer_of(slices[i].name));
    const double lr_scale = std::pow(options.layer_decay, below_top);
    const double weight_decay = is_decayed(model, slices[i], options.decayed) ? options.weight_decay : 0.0;
    const bool joins = !groups.empty() && !options.by_parameter && groups.back().lr_scale == lr_scale &&
                       groups.back().weight_decay == weight_decay;
    if (joins) {
      groups.back().end = end;
      groups.back().size += slices[i].size;
    } else {
      const int64_t rows = options.by_parameter ? hidden_rows(model, slices[i]) : 0;
      groups.push_back({slices[i].begin, end, lr_scale, weight_decay, slices[i].size, rows});
    }
  }
  return groups;
}

}  // namespace tessera::train
