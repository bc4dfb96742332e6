// The pickle alone, which checksums hide from the fuzzer in an archive; every storage is there, of zeros.
#include "tessera/formats/pickle.h"

#include <memory>

#include "tessera/formats/pytorch_walk.h"
#include "tests/fuzz/fuzz.h"

namespace {

tessera::formats::HeldBytes zeros(const tessera::formats::StorageId& id, const std::string& what) {
  constexpr uint64_t kMost = 1 << 16;
  TESSERA_CHECK(id.bytes() <= kMost, "{}: too large for this", what);
  const auto buffer = std::make_shared<std::byte[]>(id.bytes());
  return {{buffer.get(), id.bytes()}, buffer};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tessera;
  return fuzz::attempt([&] {
    const formats::Pickle pickle(std::as_bytes(std::span(data, size)), "data.pkl", formats::is_known_call);
    fuzz::use(formats::collect_tensors(pickle, zeros, size, "x.pth").arrays);
  });
}
