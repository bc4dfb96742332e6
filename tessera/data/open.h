// From what the user says (`--data PATH`) to a data set.
#pragma once

#include <string>
#include <vector>

#include "tessera/data/data_set.h"
#include "tessera/data/registry.h"

namespace tessera::data {

// `path_or_name`: a built-in set ("shapes"; a folder of that name is "./shapes"), or a folder whose kind is found out
// from what lies in it. `settings`: the KEY=VALUE texts of --data-set.
//
// Errors, one line each, before anything is trained: a path that does not exist, a folder of no known kind, an unknown
// setting (UsageError), files cut off or of wrong size, an empty class, a class missing from one side, more than 1 % of
// the pictures corrupt.
DataSets open_data(const std::string& path_or_name, const std::vector<std::string>& settings = {},
                   const OpenOptions& options = {});

}  // namespace tessera::data
