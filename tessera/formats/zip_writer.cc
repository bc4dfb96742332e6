#include "tessera/formats/zip_writer.h"

#include <zlib.h>

#include <cstdint>

#include "tessera/core/file.h"

namespace tessera::formats {
namespace {

constexpr uint64_t kNotHere = 0xFFFFFFFF;  // in a field of four bytes: the ZIP64 field has it
constexpr uint16_t kVersion = 45;          // of the format: ZIP64

// Little-endian numbers of the records.
class Record {
 public:
  Record& u16(uint64_t value) { return put(value, 2); }
  Record& u32(uint64_t value) { return put(value, 4); }
  Record& u64(uint64_t value) { return put(value, 8); }
  Record& text(const std::string& text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  Record& put(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_ += static_cast<char>(value >> (8 * i) & 0xFF);
    return *this;
  }
  std::string bytes_;
};

struct Entry {
  const ZipContents* contents;
  uint64_t crc = 0, size = 0, offset = 0;
};

Entry entry_of(const ZipContents& contents) {
  Entry entry{&contents};
  for (const auto& piece : contents.pieces) {
    entry.crc = crc32_z(entry.crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    entry.size += piece.size();
  }
  return entry;
}

// What the local header and the central directory share. Sizes stand in the ZIP64 field, in every case.
void put_common(Record& record, const Entry& entry, uint64_t extra_bytes) {
  constexpr uint16_t kStored = 0, kMidnight = 0, kNewYear1980 = 0x21;
  record.u16(kVersion).u16(0x0800).u16(kStored).u16(kMidnight).u16(kNewYear1980);  // names are UTF-8
  record.u32(entry.crc).u32(kNotHere).u32(kNotHere).u16(entry.contents->name.size()).u16(extra_bytes);
}

std::string local_header(const Entry& entry) {
  Record record;
  record.u32(0x04034b50);
  put_common(record, entry, 20);
  record.text(entry.contents->name).u16(1).u16(16).u64(entry.size).u64(entry.size);
  return record.bytes();
}

std::string central_entry(const Entry& entry) {
  Record record;
  record.u32(0x02014b50).u16(kVersion);
  put_common(record, entry, 28);
  record.u16(0).u16(0).u16(0).u32(0).u32(kNotHere);  // no comment, first disk, no attributes, offset
  record.text(entry.contents->name).u16(1).u16(24).u64(entry.size).u64(entry.size).u64(entry.offset);
  return record.bytes();
}

std::string end_records(uint64_t entries, uint64_t begin, uint64_t size) {
  Record record;
  record.u32(0x06064b50).u64(44).u16(kVersion).u16(kVersion).u32(0).u32(0);  // ZIP64 end of central directory
  record.u64(entries).u64(entries).u64(size).u64(begin);
  record.u32(0x07064b50).u32(0).u64(begin + size).u32(1);  // its locator
  record.u32(0x06054b50).u16(0).u16(0).u16(0xFFFF).u16(0xFFFF).u32(kNotHere).u32(kNotHere).u16(0);
  return record.bytes();
}

}  // namespace

void write_zip(const std::filesystem::path& path, const std::vector<ZipContents>& members) {
  write_atomically(path, [&](const ByteSink& sink) {
    uint64_t written = 0;
    const auto write = [&](std::span<const std::byte> bytes) {
      sink(bytes);
      written += bytes.size();
    };
    const auto write_text = [&](const std::string& text) { write(std::as_bytes(std::span(text))); };
    std::string directory;
    for (const ZipContents& member : members) {
      Entry entry = entry_of(member);
      entry.offset = written;
      write_text(local_header(entry));
      for (const auto& piece : member.pieces) write(piece);
      directory += central_entry(entry);
    }
    const uint64_t begin = written;
    write_text(directory);
    write_text(end_records(members.size(), begin, directory.size()));
  });
}

}  // namespace tessera::formats
