// Which parameters a run trains: all, or, in fine-tuning, few of them.
#pragma once

#include <set>
#include <string>

#include "tessera/models/model.h"
#include "tessera/train/options.h"

namespace tessera::train {

// Names of the parameters that `tune` asks for and `freeze` does not hold back:
//   "all"
//   "head"       a linear probe: the final classifier alone (Kornblith et al., 2019)
//   "blocks:N"   the last N blocks and what follows them
//   "norm_bias"  every parameter of one dimension (norms, biases, layer scales) and the final classifier, which may be
//                new: Zaken et al., "BitFit" (2022); Touvron et al., "Three things everyone should know about ViTs"
// A UsageError where the model has fewer blocks, or nothing that a pattern of `freeze` could mean.
std::set<std::string> tuned_parameters(models::Model& model, const TrainOptions& options);

// Throws a UsageError where it is none of these.
void check_tune(const std::string& tune);

}  // namespace tessera::train
