// CIFAR-10 and CIFAR-100 in their binary layout (https://www.cs.toronto.edu/~kriz/cifar.html).
//
// A record is its labels (CIFAR-10: one byte; CIFAR-100: the coarse one of 20, the fine one of 100) and 3072 bytes of a
// 32 x 32 picture, channel by channel: all red, all green, all blue.
#pragma once

#include <filesystem>

#include "tessera/data/data_set.h"

namespace tessera::data {

enum class CifarLabels { ten, fine, coarse };

// The records of one or several files, in their order. `part`: how samples are called. An Error names a file that is
// cut off or holds a label out of range.
std::shared_ptr<const DataSet> cifar(const std::vector<std::filesystem::path>& files, CifarLabels labels,
                                     std::vector<std::string> class_names, std::string part);

// airplane, automobile, …: where a folder lacks batches.meta.txt.
const std::vector<std::string>& cifar10_names();

}  // namespace tessera::data
