#include "tessera/formats/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "tessera/core/error.h"
#include "tessera/core/file.h"

namespace tessera::formats {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr uint64_t kMaxIndex = 64 << 20;

template <class... Args>
[[noreturn]] void refuse(const fs::path& index, fmt::format_string<Args...> format, Args&&... args) {
  fail("{} is no sound index of shards: {}; get or save it again", index.string(),
       fmt::format(format, std::forward<Args>(args)...));
}

// Which shard has an array: {"weight_map": {name: file}}.
std::unordered_map<std::string, std::string> read_weight_map(const fs::path& index) {
  const std::vector<std::byte> bytes = read_file(index, kMaxIndex + 1);
  if (bytes.size() > kMaxIndex) refuse(index, "it has more than {} bytes", kMaxIndex);
  const auto* const text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size(), nullptr, false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object() ||
      json["weight_map"].empty())
    refuse(index, "its JSON has no weight_map, an object that says which file has which tensor");
  std::unordered_map<std::string, std::string> map;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    if (!shard.is_string()) refuse(index, "its weight_map has no file for {}", in_quotes(name));
    const auto& file = shard.get_ref<const std::string&>();
    const bool plain = std::none_of(file.begin(), file.end(),
                                    [](unsigned char c) { return c < ' ' || c == '/' || c == '\\' || c == 0x7f; });
    if (file.empty() || file == "." || file == ".." || !plain)
      refuse(index, "its weight_map names {} for {}, which is no file of its own folder", in_quotes(file),
             in_quotes(name));
    map.emplace(name, file);
  }
  return map;
}

}  // namespace

ArrayFile read_shards(const fs::path& index, const std::function<ArrayFile(const fs::path&)>& read_shard) {
  const auto map = read_weight_map(index);
  std::map<std::string, size_t> shards;  // in the order of their names, with the number of their arrays
  for (const auto& [name, shard] : map) ++shards[shard];
  ArrayFile whole;
  for (const auto& [shard, count] : shards) {
    const fs::path path = index.parent_path() / shard;
    std::error_code unreadable;
    TESSERA_CHECK(fs::exists(path, unreadable), "{}: missing, but {} names it; get it again", path.string(),
                  index.string());
    ArrayFile part = read_shard(path);
    size_t found = 0;
    for (auto& [name, array] : part.arrays) {
      const auto named = map.find(name);
      if (named == map.end()) refuse(index, "{} holds the tensor {}, which it does not list", shard, in_quotes(name));
      if (named->second != shard)
        refuse(index, "it says that {} has the tensor {}, but {} has it", named->second, in_quotes(name), shard);
      ++found;
      whole.arrays.emplace_back(name, std::move(array));
    }
    if (found < count)
      for (const auto& [name, where] : map)
        if (where == shard && !find(part.arrays, name))
          refuse(index, "it says that {} has the tensor {}, which is not there", shard, in_quotes(name));
    whole.metadata.merge(part.metadata);
    whole.format = std::move(part.format);
  }
  whole.format = fmt::format("{} in {} shards", whole.format, shards.size());
  return whole;
}

}  // namespace tessera::formats
