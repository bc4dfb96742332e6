#include "tessera/formats/sniff.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "tessera/core/error.h"

namespace tessera::formats {
namespace {

struct KindRow {
  const char* what;
  const char* advice;
};

// In the order of the enumerators.
constexpr std::array<KindRow, 9> kKinds = {{
    {"empty", "; get or save it again"},
    {"a safetensors file", ""},
    {"an npy file", ""},
    {"a zip archive (npz or PyTorch)", ""},
    {"a pickle (an old PyTorch file)", ""},
    {"compressed with gzip", "; unpack it first (gunzip)"},
    {"an HTML page", "; download the file itself"},
    {"a Git LFS pointer", "; fetch the file itself with: git lfs pull"},
    {"a file of unknown kind", "; get or save it again"},
}};

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

FileKind kind_of(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.empty()) return FileKind::empty;
  // Before the magic numbers: a header's length, in the first eight bytes and never above 2^32, may look like one of
  // them.
  if (text.size() > 8 && text[8] == '{' && text.substr(4, 4) == std::string_view("\0\0\0\0", 4))
    return FileKind::safetensors;
  if (starts_with(text, "\x93NUMPY")) return FileKind::npy;
  if (starts_with(text, "PK\x03\x04") || starts_with(text, "PK\x05\x06")) return FileKind::zip;
  if (starts_with(text, "\x1f\x8b")) return FileKind::gzip;
  if (starts_with(text, "version https://git-lfs")) return FileKind::git_lfs_pointer;
  const std::string_view words = text.substr(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
  for (const char* tag : {"<!DOCTYPE", "<!doctype", "<html", "<HTML", "<?xml"})
    if (starts_with(words, tag)) return FileKind::html;
  if (text[0] == '\x80' && text.size() > 1 && text[1] >= 1 && text[1] <= 5) return FileKind::pickle;
  return FileKind::unknown;
}

void expect_kind(const std::filesystem::path& path, std::span<const std::byte> head, FileKind wanted) {
  const FileKind kind = kind_of(head);
  if (kind == wanted || kind == FileKind::unknown) return;
  const KindRow& found = kKinds[static_cast<size_t>(kind)];
  fail("{} is {}, but {} is wanted here{}", path.string(), found.what, kKinds[static_cast<size_t>(wanted)].what,
       found.advice);
}

void refuse_as_weights(const std::filesystem::path& path, FileKind kind) {
  const KindRow& found = kKinds[static_cast<size_t>(kind)];
  fail("{} is {}, but weights are wanted here (safetensors, PyTorch or npz){}", path.string(), found.what,
       found.advice);
}

}  // namespace tessera::formats
