#include "tessera/formats/npz.h"

#include <fmt/format.h>

#include "tessera/formats/npy.h"

namespace tessera::formats {

NamedArrays read_npz(const std::filesystem::path& path) { return read_npz(ZipFile(path)); }

NamedArrays read_npz(const ZipFile& zip) {
  constexpr std::string_view kSuffix = ".npy";
  NamedArrays arrays;
  for (const ZipMember& member : zip.members()) {
    std::string name = member.name;
    if (name.size() > kSuffix.size() && name.compare(name.size() - kSuffix.size(), kSuffix.size(), kSuffix) == 0)
      name.resize(name.size() - kSuffix.size());
    // The header comes first: it says how many bytes the member must have, before memory is spent on it.
    const auto head = zip.head(member, kMaxNpyHeader);
    const NpyHeader header =
        parse_npy_header(head, member.size, fmt::format("{}: member {}", zip.path().string(), in_quotes(name)));
    auto [bytes, owner] = zip.read(member);
    arrays.emplace_back(std::move(name), npy_array(header, bytes, std::move(owner)));
  }
  return arrays;
}

}  // namespace tessera::formats
