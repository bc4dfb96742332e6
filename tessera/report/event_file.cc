#include "tessera/report/event_file.h"

#include <array>
#include <bit>
#include <cstring>

namespace tessera::report {
namespace {

static_assert(std::endian::native == std::endian::little, "records and protocol buffers are little-endian");

enum WireType { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
    table[byte] = crc;
  }
  return table;
}

uint32_t masked_crc32c(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return std::rotr(crc, 15) + 0xa282ead8u;
}

template <class T>
void put_raw(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

template <class T>
T get_raw(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

void put_key(std::string& out, uint64_t field, WireType type) { put_varint(out, field << 3 | type); }

void put_bytes(std::string& out, uint64_t field, std::string_view bytes) {
  put_key(out, field, kBytes);
  put_varint(out, bytes.size());
  out.append(bytes);
}

// Event{1: wall_time, 2: step}; the caller adds what happened.
std::string event(double wall_time, int64_t step) {
  std::string out;
  put_key(out, 1, kFixed64);
  put_raw(out, wall_time);
  put_key(out, 2, kVarint);
  put_varint(out, static_cast<uint64_t>(step));
  return out;
}

std::string record(const std::string& data) {
  std::string length, out;
  put_raw(length, static_cast<uint64_t>(data.size()));
  out = length;
  put_raw(out, masked_crc32c(length));
  out += data;
  put_raw(out, masked_crc32c(data));
  return out;
}

// Of an event that begins as event() writes it; others count as after everything.
int64_t step_of(std::string_view data) {
  constexpr size_t kStep = 1 + sizeof(double) + 1;
  if (data.size() <= kStep || data[0] != (1 << 3 | kFixed64) || data[kStep - 1] != (2 << 3 | kVarint)) return INT64_MAX;
  uint64_t step = 0;
  for (size_t i = kStep, shift = 0; i < data.size() && shift < 64; ++i, shift += 7) {
    step |= static_cast<uint64_t>(data[i] & 0x7f) << shift;
    if (!(data[i] & 0x80)) return static_cast<int64_t>(step);
  }
  return INT64_MAX;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<uint32_t, 256> kTable = make_crc_table();
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

std::string file_version_record(double wall_time) {
  std::string out = event(wall_time, 0);
  put_bytes(out, 3, "brain.Event:2");
  return record(out);
}

std::string session_start_record(double wall_time, int64_t step) {
  std::string out = event(wall_time, step), session;
  put_key(session, 1, kVarint);  // SessionLog.status
  put_varint(session, 1);        // START
  put_bytes(out, 7, session);
  return record(out);
}

std::string scalars_record(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars) {
  std::string out = event(wall_time, step), summary;
  for (const auto& [tag, number] : scalars) {
    std::string value;
    put_bytes(value, 1, tag);
    put_key(value, 2, kFixed32);  // simple_value
    put_raw(value, number);
    put_bytes(summary, 1, value);
  }
  put_bytes(out, 5, summary);
  return record(out);
}

size_t whole_records(std::string_view file, int64_t last_step) {
  constexpr size_t kHead = 12, kTail = 4;  // length and its checksum; the data's checksum
  size_t kept = 0;
  while (file.size() - kept >= kHead + kTail) {
    const std::string_view rest = file.substr(kept);
    const uint64_t length = get_raw<uint64_t>(rest);
    if (get_raw<uint32_t>(rest.substr(8)) != masked_crc32c(rest.substr(0, 8))) break;
    if (length > rest.size() - kHead - kTail) break;
    const std::string_view data = rest.substr(kHead, length);
    if (get_raw<uint32_t>(rest.substr(kHead + length)) != masked_crc32c(data) || step_of(data) > last_step) break;
    kept += kHead + length + kTail;
  }
  return kept;
}

}  // namespace tessera::report
