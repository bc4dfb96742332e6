// A part of a data set by what its labels say: some of the classes, few pictures of each.
#pragma once

#include "tessera/data/data_set.h"

namespace tessera::data {

struct Selection {
  // Names of the classes to keep; none: all. One text may hold several, separated by commas, unless it is a name
  // itself. The classes keep the order that the data set has them in, however they are listed here.
  std::vector<std::string> classes = {};
  // Training pictures of each class, at most; 0: all. Validation and test parts of the data set stay whole; a
  // validation part that is split off later comes out of these.
  int64_t per_class = 0;
  // The same as a share of the training pictures of each class, above 0 and at most 1: the rounded number, at least 1.
  double share = 1;
};

// The same data without what is not selected; indices and labels are counted anew. Which pictures of a class are kept
// depends on the seed, the class and the order of its pictures alone: with a larger per_class or share the same ones
// and more. A UsageError names a class that there is not.
DataSets select(DataSets sets, const Selection& selection, uint64_t seed);

}  // namespace tessera::data
