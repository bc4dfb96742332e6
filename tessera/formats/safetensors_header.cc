#include "tessera/formats/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "tessera/core/error.h"
#include "tessera/formats/sniff.h"

namespace tessera::formats {
namespace {

constexpr uint64_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

template <class... Args>
[[noreturn]] void refuse(const std::filesystem::path& path, fmt::format_string<Args...> format, Args&&... args) {
  fail("{} is no sound safetensors file: {}; get or save it again", path.string(),
       fmt::format(format, std::forward<Args>(args)...));
}

// Receives the header's JSON event by event. Everything but the one structure that the format allows is refused where
// it begins, so that no nesting grows and no tree is built.
class HeaderEvents {
 public:
  HeaderEvents(const std::filesystem::path& path, SafeTensorsHeader& header) : path_(path), header_(header) {}

  bool start_object(size_t) {
    switch (at_) {
      case At::start:
        at_ = At::top;
        return true;
      case At::value:
        if (name_ != kMetadataKey) {
          at_ = At::tensor;
          header_.entries.push_back({});
          header_.entries.back().name = name_;
          seen_fields_.clear();
        } else {
          at_ = At::metadata;
        }
        return true;
      default:
        unexpected("an object");
    }
  }

  bool end_object() {
    if (at_ == At::tensor) {
      for (const char* field : {"dtype", "shape", "data_offsets"})
        if (!seen_fields_.contains(field)) refuse(path_, "tensor {} has no {}", in_quotes(name_), field);
      at_ = At::top;
    } else if (at_ == At::metadata) {
      at_ = At::top;
    }
    return true;
  }

  bool key(std::string& key) {
    if (at_ == At::top) {
      if (!names_.insert(key).second) refuse(path_, "its header lists {} twice", in_quotes(key));
      name_ = key;
      at_ = At::value;
    } else if (at_ == At::tensor) {
      if (key != "dtype" && key != "shape" && key != "data_offsets")
        refuse(path_, "tensor {} has a field {}, which the format does not know", in_quotes(name_), in_quotes(key));
      if (!seen_fields_.insert(key).second) refuse(path_, "tensor {} has {} twice", in_quotes(name_), key);
      field_ = key;
    } else {
      if (header_.metadata.contains(key)) refuse(path_, "its {} has {} twice", kMetadataKey, in_quotes(key));
      field_ = key;
    }
    return true;
  }

  bool string(std::string& text) {
    if (at_ == At::metadata) {
      header_.metadata[field_] = std::move(text);
      return true;
    }
    if (at_ != At::tensor || field_ != "dtype") unexpected("a string");
    const auto type = file_type(text);
    if (!type)
      fail("{}: tensor {} is of type {}, which tessera does not read; convert it to F32, F16 or BF16", path_.string(),
           in_quotes(name_), in_quotes(text));
    header_.entries.back().type = *type;
    return true;
  }

  bool start_array(size_t) {
    if (at_ != At::tensor || field_ == "dtype") unexpected("an array");
    at_ = At::numbers;
    numbers_.clear();
    return true;
  }

  bool number_unsigned(uint64_t number) {
    if (at_ != At::numbers) unexpected("a number");
    if (numbers_.size() == (field_ == "shape" ? size_t{kMaxRank} : 2))
      refuse(path_, "tensor {}: its {} has too many numbers", in_quotes(name_), field_);
    numbers_.push_back(number);
    return true;
  }

  bool end_array() {
    auto& entry = header_.entries.back();
    at_ = At::tensor;
    if (field_ == "shape") {
      for (const uint64_t extent : numbers_)
        if (extent > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
          refuse(path_, "tensor {}: its shape is too large", in_quotes(name_));
      entry.shape = Shape(std::vector<int64_t>(numbers_.begin(), numbers_.end()));
    } else {
      if (numbers_.size() != 2) refuse(path_, "tensor {}: its data_offsets are not two numbers", in_quotes(name_));
      entry.begin = numbers_[0];
      entry.end = numbers_[1];
    }
    return true;
  }

  bool null() {
    if (at_ != At::value || name_ != kMetadataKey) unexpected("null");  // other writers mean: no metadata
    at_ = At::top;
    return true;
  }

  bool number_integer(int64_t) { unexpected("a negative number"); }
  bool number_float(double, const std::string&) { unexpected("a number that is no integer of 64 bits"); }
  bool boolean(bool) { unexpected("a boolean"); }
  bool binary(nlohmann::json::binary_t&) { unexpected("binary data"); }

  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
    if (std::string_view(error.what()).find("UTF-8") != std::string_view::npos)
      refuse(path_, "its header is not UTF-8 at byte {}", kLengthBytes + position - 1);
    refuse(path_, "its header's JSON breaks off or is malformed at byte {}", kLengthBytes + position - 1);
  }

 private:
  enum class At { start, top, value, metadata, tensor, numbers };

  [[noreturn]] void unexpected(const char* what) const {
    switch (at_) {
      case At::metadata:
        refuse(path_, "its {} has {} at {}, but strings only are allowed", kMetadataKey, what, in_quotes(field_));
      case At::tensor:
      case At::numbers:
        refuse(path_, "tensor {}: its {} in the header's JSON holds {}", in_quotes(name_), field_, what);
      default:
        refuse(path_, "{} stands where the header's JSON must describe {}", what, in_quotes(name_));
    }
  }

  const std::filesystem::path& path_;
  SafeTensorsHeader& header_;
  At at_ = At::start;
  std::string name_;   // the key at the top: a tensor's name or "__metadata__"
  std::string field_;  // the key inside
  std::unordered_set<std::string> names_, seen_fields_;
  std::vector<uint64_t> numbers_;
};

// Sizes follow from shapes, and the ranges cover the data without a gap and without overlap.
void check_ranges(const std::filesystem::path& path, const SafeTensorsHeader& header, uint64_t data_size) {
  using Entry = SafeTensorsHeader::Entry;
  std::vector<const Entry*> sorted;
  for (const Entry& entry : header.entries) {
    if (entry.begin > entry.end)
      refuse(path, "tensor {}: its data_offsets [{}, {}] run backwards", in_quotes(entry.name), entry.begin, entry.end);
    const auto bytes = byte_count(entry.type, entry.shape);
    if (!bytes) refuse(path, "tensor {}: its shape {} is too large", in_quotes(entry.name), to_string(entry.shape));
    if (*bytes != entry.end - entry.begin)
      refuse(path, "tensor {}: shape {} of {} takes {} bytes, but its data_offsets [{}, {}] span {}",
             in_quotes(entry.name), to_string(entry.shape), name_of(entry.type), *bytes, entry.begin, entry.end,
             entry.end - entry.begin);
    if (entry.end > data_size)
      refuse(path,
             "tensor {}: it ends at byte {} of the data, beyond the end of the file, which has {} (is it truncated?)",
             in_quotes(entry.name), entry.end, data_size);
    sorted.push_back(&entry);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Entry* a, const Entry* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  uint64_t covered = 0;
  for (const Entry* entry : sorted) {
    if (entry->begin < covered) refuse(path, "tensor {}: it overlaps another one", in_quotes(entry->name));
    if (entry->begin > covered)
      refuse(path, "there is a gap of {} bytes before tensor {}", entry->begin - covered, in_quotes(entry->name));
    covered = entry->end;
  }
  if (covered != data_size) refuse(path, "{} trailing bytes belong to no tensor", data_size - covered);
}

}  // namespace

uint64_t safetensors_data_begin(const std::filesystem::path& path, std::span<const std::byte> head,
                                uint64_t file_size) {
  expect_kind(path, head, FileKind::safetensors);
  if (head.size() < kLengthBytes) refuse(path, "it has {} bytes only and is truncated", head.size());
  uint64_t length;
  std::memcpy(&length, head.data(), kLengthBytes);
  if (length > kMaxSafeTensorsHeader)
    refuse(path, "its header length {} is above the format's limit of {} bytes", length, kMaxSafeTensorsHeader);
  if (length > file_size - kLengthBytes)
    refuse(path, "its header length {} reaches beyond the end of the file, which has {} bytes (is it truncated?)",
           length, file_size);
  return kLengthBytes + length;
}

SafeTensorsHeader parse_safetensors_header(const std::filesystem::path& path, std::span<const std::byte> head,
                                           uint64_t file_size) {
  const uint64_t data_begin = safetensors_data_begin(path, head, file_size);
  if (head.size() < data_begin) refuse(path, "it became shorter while it was read");
  const std::string_view json(reinterpret_cast<const char*>(head.data()) + kLengthBytes, data_begin - kLengthBytes);
  if (json.empty() || json[0] != '{') refuse(path, "its header does not begin with '{{'");
  SafeTensorsHeader header;
  HeaderEvents events(path, header);
  nlohmann::json::sax_parse(json.begin(), json.end(), &events);
  check_ranges(path, header, file_size - data_begin);
  for (auto& entry : header.entries) {
    entry.begin += data_begin;
    entry.end += data_begin;
  }
  return header;
}

}  // namespace tessera::formats
