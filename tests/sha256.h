// Digests of what tests compare with reference data.
#pragma once

#include <vector>

#include "tessera/core/sha256.h"

namespace tessera::test {

using tessera::sha256;

template <class T>
std::string sha256(const std::vector<T>& values) {
  return tessera::sha256(std::as_bytes(std::span(values)));
}

}  // namespace tessera::test
