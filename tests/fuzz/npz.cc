#include "tessera/formats/npz.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tessera;
  return fuzz::attempt([&] { fuzz::use(formats::read_npz(fuzz::as_file({data, size}))); });
}
