// ConvMixer's architecture out of the shapes of its parameters.
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/models/registry.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

// The registered model of these extents: its activation and its pictures, which shapes do not tell.
Json registered(const Json& keys) {
  for (const std::string& name : registry().variants.names()) {
    const Json theirs = Json::parse(architecture_of(name));
    const auto agrees = [&](const char* key) { return theirs.contains(key) && theirs[key] == keys[key]; };
    if (agrees("family") && agrees("dim") && agrees("depth") && agrees("kernel_size") && agrees("patch_size"))
      return theirs;
  }
  return Json::object();
}

}  // namespace

std::optional<Inferred> infer_convmixer(const Shapes& shapes, const std::string& known) {
  const std::string stem = "stem.0.weight", depthwise = "blocks.{}.0.fn.0.weight";
  const auto extent = [&](const std::string& name, int axis) {
    const Shape& shape = shapes.at(name);
    TESSERA_CHECK(shape.rank() == 4, "the tensor '{}' is {}, but it must be a convolution's, of four axes", name,
                  to_string(shape));
    return shape[axis];
  };
  const auto block = [&](int64_t i) { return fmt::format(fmt::runtime(depthwise), i); };
  if (!shapes.count(stem) || !shapes.count(block(0))) return std::nullopt;
  int64_t depth = 0;
  while (shapes.count(block(depth))) ++depth;
  Json keys = {{"family", "convmixer"},
               {"in_chans", extent(stem, 1)},
               {"patch_size", extent(stem, 2)},
               {"dim", extent(stem, 0)},
               {"depth", depth},
               {"kernel_size", extent(block(0), 2)}};
  const auto head = shapes.find("head.weight");
  keys["num_classes"] = head == shapes.end() ? 0 : head->second[0];
  const Json said = Json::parse(known), theirs = registered(keys);
  Inferred inferred;
  for (const auto& [key, otherwise] : {std::pair<const char*, Json>{"act", "gelu_erf"}, {"img_size", 224}}) {
    if (said.contains(key)) continue;
    keys[key] = theirs.value(key, otherwise);
    if (theirs.empty())
      inferred.assumed.push_back(
          fmt::format("nothing in the weights tells {}: taken for {}; say --set {}=… where it is otherwise", key,
                      keys[key].dump(), key));
  }
  inferred.architecture = keys.dump();
  return inferred;
}

}  // namespace tessera::models
