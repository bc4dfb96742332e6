#include "tessera/formats/zip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "tessera/core/error.h"
#include "tessera/formats/array.h"
#include "tessera/formats/sniff.h"
#include "tessera/formats/zip_directory.h"

namespace tessera::formats {
namespace {

template <class... Args>
[[noreturn]] void refuse(const ZipFile& zip, const ZipMember& member, fmt::format_string<Args...> format,
                         Args&&... args) {
  fail("{}: member {} {}; get or save the file again", zip.path().string(), in_quotes(member.name),
       fmt::format(format, std::forward<Args>(args)...));
}

struct Inflated {
  size_t size = 0;
  bool ended = false;  // the stream came to its end
};

// Raw deflate data into `out`, until that is full or the stream ends. False where it is damaged. zlib counts in 32
// bits, so both sides are handed to it in pieces.
bool inflate_into(std::span<const std::byte> in, std::span<std::byte> out, Inflated& result) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) fail("zlib: out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> cleanup(&stream, inflateEnd);
  constexpr size_t kPiece = std::numeric_limits<uInt>::max();
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  size_t in_left = in.size(), out_left = out.size();
  int status = Z_OK;
  while (status == Z_OK) {
    const auto give = static_cast<uInt>(std::min(in_left, kPiece)),
               take = static_cast<uInt>(std::min(out_left, kPiece));
    stream.avail_in = give;
    stream.avail_out = take;
    status = inflate(&stream, Z_NO_FLUSH);
    in_left -= give - stream.avail_in;
    out_left -= take - stream.avail_out;
  }
  result = {out.size() - out_left, status == Z_STREAM_END && in_left == 0};
  return status == Z_STREAM_END || status == Z_BUF_ERROR;
}

// In pieces, so that what is mapped need not be in memory all at once.
uint32_t checksum(const HeldBytes& contents) {
  constexpr size_t kPiece = 4 << 20;
  uLong sum = crc32_z(0, nullptr, 0);
  for (size_t at = 0; at < contents.bytes.size(); at += kPiece) {
    const auto piece = contents.bytes.subspan(at, std::min(kPiece, contents.bytes.size() - at));
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    HeldBytes{piece, nullptr, contents.mapped}.forget();
  }
  return static_cast<uint32_t>(sum);
}

}  // namespace

ZipFile::ZipFile(const std::filesystem::path& path) : path_(path), file_(std::make_shared<const MappedFile>(path)) {
  expect_kind(path, file_->bytes(), FileKind::zip);
  members_ = parse_zip_directory(path, file_->bytes());
  for (size_t i = 0; i < members_.size(); ++i) by_name_.emplace(members_[i].name, i);
}

const ZipMember* ZipFile::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &members_[found->second];
}

std::vector<std::byte> ZipFile::head(const ZipMember& member, size_t count) const {
  const auto packed = file_->bytes().subspan(member.data_begin, member.packed_size);
  std::vector<std::byte> bytes(std::min<uint64_t>(count, member.size));
  if (bytes.empty()) return bytes;
  if (!member.deflated) {
    std::copy_n(packed.begin(), bytes.size(), bytes.begin());
    return bytes;
  }
  Inflated inflated;
  if (!inflate_into(packed, bytes, inflated) || inflated.size != bytes.size())
    refuse(*this, member, "does not unpack: its data is damaged");
  return bytes;
}

HeldBytes ZipFile::read(const ZipMember& member) const {
  HeldBytes contents{file_->bytes().subspan(member.data_begin, member.packed_size), file_, true};
  if (member.deflated) {
    // Not cleared, so that pages of a size that is a lie are never touched. One byte more shows a stream that goes on.
    const auto buffer = std::make_shared_for_overwrite<std::byte[]>(member.size + 1);
    Inflated inflated;
    if (!inflate_into(contents.bytes, {buffer.get(), member.size + 1}, inflated))
      refuse(*this, member, "does not unpack: its data is damaged");
    if (!inflated.ended || inflated.size != member.size)
      refuse(*this, member, "does not unpack to the {} bytes that it claims", member.size);
    contents.forget();
    contents = {{buffer.get(), member.size}, buffer, false};
  }
  if (member.crc != 0 && checksum(contents) != member.crc)
    refuse(*this, member, "does not have the checksum that it should: its data is damaged");
  return contents;
}

}  // namespace tessera::formats
