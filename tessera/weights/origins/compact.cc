// Compact Transformers, https://github.com/SHI-Labs/Compact-Transformers: parameters have the authors' names already.
#include "tessera/weights/origin.h"

namespace tessera::weights {

void register_compact(OriginRegistry& registry) {
  Origin compact;
  compact.about = "Compact Transformers (CCT, CVT, ViT-Lite): classifier.blocks.0.pre_norm.weight";
  compact.keys = {"classifier.blocks.{i}.pre_norm.weight"};
  compact.positions = PositionResize::timm_npz;
  registry.add("compact", compact);
}

}  // namespace tessera::weights
