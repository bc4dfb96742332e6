#include "tessera/formats/npz.h"

#include <fmt/format.h>

#include "tessera/core/parallel.h"
#include "tessera/formats/npy.h"
#include "tessera/formats/zip_writer.h"

namespace tessera::formats {

NamedArrays read_npz(const std::filesystem::path& path) { return read_npz(ZipFile(path)); }

NamedArrays read_npz(const ZipFile& zip) {
  constexpr std::string_view kSuffix = ".npy";
  const auto& members = zip.members();
  NamedArrays arrays(members.size());
  uint64_t bytes = 0;
  for (const ZipMember& member : members) bytes += member.size;
  constexpr uint64_t kWorthThreads = 8 << 20;
  parallel_for(std::ssize(members), bytes < kWorthThreads ? std::ssize(members) : 1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      std::string name = members[i].name;
      if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
      // The header comes first: it says how many bytes the member must have, before memory is spent on it.
      const auto head = zip.head(members[i], kMaxNpyHeader);
      const NpyHeader header =
          parse_npy_header(head, members[i].size, fmt::format("{}: member {}", zip.path().string(), in_quotes(name)));
      arrays[i] = {std::move(name), npy_array(header, zip.read(members[i]))};
    }
  });
  return arrays;
}

void write_npz(const std::filesystem::path& path, const NamedArrays& arrays) {
  std::vector<std::string> headers;
  for (const auto& [name, array] : arrays)
    headers.push_back(npy_header_of(array, fmt::format("{}: {}", path.string(), name)));
  std::vector<ZipContents> members;
  for (size_t i = 0; i < arrays.size(); ++i)
    members.push_back({arrays[i].first + ".npy", {std::as_bytes(std::span(headers[i])), arrays[i].second.bytes}});
  write_zip(path, members);
}

}  // namespace tessera::formats
