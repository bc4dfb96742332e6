// Defaults of `tessera train` that depend on what is trained, in force where neither a flag nor a recipe says
// otherwise.
#pragma once

#include <string>

#include "tessera/core/options.h"
#include "tessera/data/data_set.h"
#include "tessera/models/model.h"
#include "tessera/train/options.h"

namespace tessera::cli {

// Photographs of many sizes are cropped at random and mirrored.
void suit_photographs(const Options& options, const data::DataSet& set, image::Augmentation& augmentation);

// Fine-tuning is shorter and slower than learning from nothing; docs/fine-tuning.md has the table.
void suit_fine_tuning(const Options& options, const data::DataSets& sets, train::TrainOptions& train);

// "trains 1,290 of 811,234 parameters"; empty where it trains all of them. A UsageError where the options name a part
// that the model lacks.
std::string tuned_share(models::Model& model, const train::TrainOptions& train);

}  // namespace tessera::cli
