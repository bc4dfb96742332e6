#include "tessera/formats/zip_directory.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_set>

#include "tessera/core/error.h"
#include "tessera/formats/array.h"

namespace tessera::formats {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50, kEntrySignature = 0x02014b50, kEndSignature = 0x06054b50;
constexpr uint32_t kEnd64Signature = 0x06064b50, kLocator64Signature = 0x07064b50;
constexpr size_t kLocalSize = 30, kEntrySize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr uint64_t kBestRatio = 1032;  // of deflate: 258 bytes out of two bits
constexpr uint16_t kEncrypted = 1, kZip64Field = 1;

class Directory {
 public:
  Directory(const std::filesystem::path& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  std::vector<ZipMember> parse() {
    find_end();
    std::vector<ZipMember> members;
    uint64_t at = begin_;
    while (at < end_) members.push_back(entry(at));
    if (members.size() != count_)
      refuse("its end record counts {} members, its central directory lists {}", count_, members.size());
    check_apart();
    if (!misnamed_.empty()) refuse("{}", misnamed_);
    return members;
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse(fmt::format_string<Args...> format, Args&&... args) const {
    fail("{} is no sound zip archive: {}; get or save it again", path_.string(),
         fmt::format(format, std::forward<Args>(args)...));
  }

  // A little-endian number at a byte of the file.
  template <class T>
  T get(uint64_t at) const {
    if (at > bytes_.size() || bytes_.size() - at < sizeof(T)) refuse("it is truncated or incomplete");
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }

  // The end record must end the file, its comment included: sets begin_, end_ and count_.
  void find_end() {
    std::optional<uint64_t> found;
    const size_t size = bytes_.size();
    const size_t longest = std::min(size, kEndSize + 0xffff);
    for (size_t back = kEndSize; back <= longest && !found; ++back)
      if (get<uint32_t>(size - back) == kEndSignature && kEndSize + get<uint16_t>(size - back + 20) == back)
        found = size - back;
    if (!found) refuse("it is truncated or incomplete (no end record)");
    const uint64_t end = *found;
    count_ = get<uint16_t>(end + 10);
    uint64_t directory_size = get<uint32_t>(end + 12);
    begin_ = get<uint32_t>(end + 16);
    end_ = end;
    if (end >= kLocator64Size && get<uint32_t>(end - kLocator64Size) == kLocator64Signature) {
      end_ = get<uint64_t>(end - kLocator64Size + 8);
      if (end_ > end - kLocator64Size || end - kLocator64Size - end_ < kEnd64Size ||
          get<uint32_t>(end_) != kEnd64Signature)
        refuse("its ZIP64 end record is not where it should be");
      if (count_ == 0xffff) count_ = get<uint64_t>(end_ + 32);
      if (directory_size == 0xffffffff) directory_size = get<uint64_t>(end_ + 40);
      if (begin_ == 0xffffffff) begin_ = get<uint64_t>(end_ + 48);
    }
    if (begin_ > end_ || directory_size != end_ - begin_)
      refuse("its central directory of {} bytes at byte {} does not end where its end record begins (byte {})",
             directory_size, begin_, end_);
  }

  // The entry at byte `at`, which moves behind it.
  ZipMember entry(uint64_t& at) {
    if (get<uint32_t>(at) != kEntrySignature) refuse("its central directory is damaged at byte {}", at);
    const auto flags = get<uint16_t>(at + 8), method = get<uint16_t>(at + 10);
    const auto name_size = get<uint16_t>(at + 28), extra_size = get<uint16_t>(at + 30),
               note_size = get<uint16_t>(at + 32);
    const uint64_t name_begin = at + kEntrySize, next = name_begin + name_size + extra_size + note_size;
    if (next > end_) refuse("its central directory is damaged at byte {}", at);

    ZipMember member;
    member.name.assign(reinterpret_cast<const char*>(bytes_.data()) + name_begin, name_size);
    if (!names_.insert(member.name).second) refuse("it has member {} twice", in_quotes(member.name));
    if (flags & kEncrypted) refuse("member {} is encrypted", in_quotes(member.name));
    if (method != 0 && method != 8)
      refuse("member {} has compression method {}, and only 0 (stored) and 8 (deflated) are read",
             in_quotes(member.name), method);
    member.deflated = method == 8;
    member.crc = get<uint32_t>(at + 16);
    member.packed_size = get<uint32_t>(at + 20);
    member.size = get<uint32_t>(at + 24);
    uint64_t local = get<uint32_t>(at + 42);
    read_zip64(name_begin + name_size, extra_size, member, local);
    locate(member, local);
    at = next;
    return member;
  }

  // The 64-bit values of those fields that say 0xffffffff, in their fixed order.
  void read_zip64(uint64_t at, uint64_t size, ZipMember& member, uint64_t& local) const {
    const uint64_t end = at + size;
    while (end - at >= 4) {
      const auto id = get<uint16_t>(at), length = get<uint16_t>(at + 2);
      at += 4;
      if (length > end - at) refuse("member {} has a damaged extra field", in_quotes(member.name));
      if (id == kZip64Field) {
        uint64_t value_at = at;
        for (uint64_t* field : {&member.size, &member.packed_size, &local}) {
          if (*field != 0xffffffff || value_at + 8 > at + length) continue;
          *field = get<uint64_t>(value_at);
          value_at += 8;
        }
      }
      at += length;
    }
  }

  // From the local header at byte `local` to the member's data.
  void locate(ZipMember& member, uint64_t local) {
    const std::string name = in_quotes(member.name);
    if (local >= begin_ || begin_ - local < kLocalSize || get<uint32_t>(local) != kLocalSignature)
      refuse("member {} is not where the directory says", name);
    const auto name_size = get<uint16_t>(local + 26), extra_size = get<uint16_t>(local + 28);
    member.data_begin = local + kLocalSize + name_size + extra_size;
    if (member.data_begin > begin_ || member.packed_size > begin_ - member.data_begin)
      refuse("member {} of {} bytes reaches beyond the end of the archive's data", name, member.packed_size);
    const std::string_view local_name(reinterpret_cast<const char*>(bytes_.data()) + local + kLocalSize, name_size);
    if (local_name != member.name && misnamed_.empty())
      misnamed_ = fmt::format("member {} is called {} in its own header", name, in_quotes(local_name));
    if (!member.deflated && member.size != member.packed_size)
      refuse("member {} is stored in {} bytes but claims {}", name, member.packed_size, member.size);
    if (member.size / kBestRatio > member.packed_size)
      refuse("member {} claims {} bytes, more than {} deflated ones can hold", name, member.size, member.packed_size);
    ranges_.emplace_back(local, member.data_begin + member.packed_size);
  }

  // Members that share bytes are how small archives unpack to huge ones.
  void check_apart() {
    std::sort(ranges_.begin(), ranges_.end());
    for (size_t i = 1; i < ranges_.size(); ++i)
      if (ranges_[i].first < ranges_[i - 1].second) refuse("two of its members overlap at byte {}", ranges_[i].first);
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> bytes_;
  uint64_t begin_ = 0, end_ = 0, count_ = 0;  // the directory's bytes and its number of entries
  std::unordered_set<std::string> names_;
  std::string misnamed_;  // the first member with two names: told last, as overlapping ones have them too
  std::vector<std::pair<uint64_t, uint64_t>> ranges_;
};

}  // namespace

std::vector<ZipMember> parse_zip_directory(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  return Directory(path, bytes).parse();
}

}  // namespace tessera::formats
