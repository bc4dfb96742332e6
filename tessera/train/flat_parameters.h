// The trainable parameters of a module in one flat buffer and their gradients in another, in forward order, so that
// clipping, optimiser steps and averages are single loops, and an all-reduce can start from the back. Behind the
// parameters lie the module's statistics (of batch normalisation), which averages of the weights take along.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tessera/nn/module.h"

namespace tessera::train {

class FlatParameters {
 public:
  struct Slice {
    std::string name;
    Shape shape;
    int64_t begin = 0;  // element of the flat buffers; each slice starts a cache line, the gaps hold zeros
    int64_t size = 0;
    std::shared_ptr<Gradient> gradient;  // of a parameter
  };

  // Moves the parameters for which `trainable` holds into the flat buffer: each tensor of the module becomes a view of
  // it and takes part in differentiation, its gradient being a view of the other buffer. The other parameters stay
  // where they are and get no gradient. Throws where none is trainable. The views live on when this object dies.
  FlatParameters(nn::Module& module, const std::function<bool(const std::string& name)>& trainable);
  explicit FlatParameters(nn::Module& module) : FlatParameters(module, [](const std::string&) { return true; }) {}

  const std::vector<Slice>& slices() const { return slices_; }          // of the trainable parameters
  const std::vector<Slice>& statistics() const { return statistics_; }  // all behind size()
  int64_t size() const { return gradients_.numel(); }                   // elements of the parameters, gaps included
  const Tensor& values() const { return values_; }                      // (size + those of the statistics)
  // The part of a flat buffer (values(), a moment, an average) that belongs to a parameter, in its shape.
  static Tensor view(const Tensor& flat, const Slice& slice);

  // Makes the next gradient of each parameter the first one: it will write, not add. Touches no memory.
  void zero_grad();
  // (size). A parameter that backward did not reach since zero_grad() counts as zero.
  const Tensor& gradients();

 private:
  std::vector<Slice> slices_, statistics_;
  Tensor values_, gradients_;
};

}  // namespace tessera::train
