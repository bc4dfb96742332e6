#include "tessera/image/decode.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tessera;
  return fuzz::attempt([&] {
    const image::Picture picture = image::decode(std::as_bytes(std::span(data, size)), "picture");
    if (picture.pixels.size() != static_cast<size_t>(picture.width * picture.height * 3)) std::abort();
  });
}
