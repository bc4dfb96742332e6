#include "tessera/formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_set>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/safetensors_header.h"

namespace tessera::formats {
namespace {

namespace fs = std::filesystem;

// A string as JSON spells it; anything but UTF-8 is refused.
std::string json_string(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    fail("{} is not UTF-8", in_quotes(text));
  }
}

void check_arrays(const NamedArrays& arrays) {
  std::unordered_set<std::string_view> names;
  for (const auto& [name, array] : arrays) {
    TESSERA_CHECK(name != "__metadata__" && names.insert(name).second, "{} cannot be the name of {} array",
                  in_quotes(name), name == "__metadata__" ? "an" : "a second");
    TESSERA_CHECK(byte_count(array.type, array.shape) == array.bytes.size(),
                  "array {} has shape {} and type {}, but {} bytes", in_quotes(name), to_string(array.shape),
                  name_of(array.type), array.bytes.size());
  }
}

// The indices of the arrays in the order of their data.
std::vector<size_t> data_order(const NamedArrays& arrays) {
  std::vector<size_t> order(arrays.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return size_of(arrays[a].second.type) > size_of(arrays[b].second.type); });
  return order;
}

// Length, JSON and the spaces that bring the data to a multiple of 8.
std::string header_of(const NamedArrays& arrays, const std::vector<size_t>& order, const Metadata& metadata) {
  std::vector<uint64_t> begin(arrays.size());
  uint64_t end = 0;
  for (const size_t i : order) {
    begin[i] = end;
    end += arrays[i].second.bytes.size();
  }
  std::vector<std::string> members;
  for (const auto& [key, value] : metadata) members.push_back(json_string(key) + ":" + json_string(value));
  const std::string metadata_json = fmt::format("\"__metadata__\":{{{}}}", fmt::join(members, ","));
  members.clear();
  if (!metadata.empty()) members.push_back(metadata_json);
  for (size_t i = 0; i < arrays.size(); ++i) {
    const auto& [name, array] = arrays[i];
    members.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", json_string(name),
                                  name_of(array.type), fmt::join(array.shape.extents(), ","), begin[i],
                                  begin[i] + array.bytes.size()));
  }
  std::string json = fmt::format("{{{}}}", fmt::join(members, ","));
  json.resize((json.size() + 7) / 8 * 8, ' ');
  TESSERA_CHECK(json.size() <= kMaxSafeTensorsHeader,
                "names and metadata take {} bytes, more than the {} that safetensors allows", json.size(),
                kMaxSafeTensorsHeader);
  const uint64_t length = json.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + json;
}

}  // namespace

SafeTensors read_safetensors(const fs::path& path) {
  const auto file = std::make_shared<const MappedFile>(path);
  const auto bytes = file->bytes();
  SafeTensorsHeader header = parse_safetensors_header(path, bytes, bytes.size());
  SafeTensors result{{}, std::move(header.metadata)};
  for (auto& entry : header.entries)
    result.arrays.emplace_back(
        std::move(entry.name),
        Array{entry.type, std::move(entry.shape), bytes.subspan(entry.begin, entry.end - entry.begin), file, true});
  return result;
}

SafeTensorsHeader read_safetensors_header(const fs::path& path) {
  const auto head = read_file(path, 64);
  std::error_code error;
  const uint64_t file_size = fs::file_size(path, error);
  TESSERA_CHECK(!error, "cannot read {}: {}", path.string(), error.message());
  return parse_safetensors_header(path, read_file(path, safetensors_data_begin(path, head, file_size)), file_size);
}

void write_safetensors(const fs::path& path, const NamedArrays& arrays, const Metadata& metadata) {
  const std::vector<size_t> order = data_order(arrays);
  std::string header;
  try {
    check_arrays(arrays);
    header = header_of(arrays, order, metadata);
  } catch (const Error& error) {
    fail("cannot write {}: {}", path.string(), error.what());
  }
  write_atomically(path, [&](const ByteSink& write) {
    write(std::as_bytes(std::span(header)));
    for (const size_t i : order) write(arrays[i].second.bytes);
  });
}

}  // namespace tessera::formats
