#include "tessera/data/data_set.h"

#include <fmt/core.h>

namespace tessera::data {

std::string DataSet::describe() const {
  const PictureShape shape = picture_shape();
  const std::string extent = shape.height > 0 ? fmt::format("{} x {}", shape.height, shape.width) : "any size";
  return fmt::format("{} pictures of {} classes, {} {}", size(), class_names().size(), extent,
                     shape.channels == 1 ? "gray" : "RGB");
}

std::vector<int64_t> class_counts(const DataSet& set) {
  std::vector<int64_t> counts(set.class_names().size());
  for (int64_t i = 0; i < set.size(); ++i) ++counts[static_cast<size_t>(set.label(i))];
  return counts;
}

}  // namespace tessera::data
