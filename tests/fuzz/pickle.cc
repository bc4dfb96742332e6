// The pickle alone, which checksums hide from the fuzzer in an archive; every storage is there, of zeros.
#include "tessera/formats/pickle.h"

#include "tessera/formats/pytorch_walk.h"
#include "tests/fuzz/fuzz.h"

namespace {

constexpr size_t kMost = 1 << 16;

tessera::formats::HeldBytes zeros(const tessera::formats::StorageId& id, const std::string& what) {
  static const std::byte kZeros[kMost] = {};
  TESSERA_CHECK(id.bytes() <= kMost, "{}: too large for this", what);
  return {{kZeros, id.bytes()}, nullptr};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tessera;
  return fuzz::attempt([&] {
    const formats::Pickle pickle(std::as_bytes(std::span(data, size)), "data.pkl", formats::is_known_call);
    fuzz::use(formats::collect_tensors(pickle, zeros, size, "x.pth").arrays);
  });
}
