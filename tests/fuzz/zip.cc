// The archive alone, every member of it.
#include "tessera/formats/zip.h"

#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tessera;
  return fuzz::attempt([&] {
    const formats::ZipFile zip(fuzz::as_file({data, size}));
    for (const formats::ZipMember& member : zip.members()) {
      if (zip.head(member, 100).size() > 100 || zip.read(member).bytes.size() != member.size) std::abort();
    }
  });
}
