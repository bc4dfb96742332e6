#include "tessera/models/model.h"

namespace tessera::models {

int64_t Model::macs() {
  int64_t sum = 0;
  for (const ShapeStep& step : shapes()) sum += step.macs;
  return sum;
}

}  // namespace tessera::models
