// The bytes of TensorBoard's event files: records (length, checksums, data) that hold protocol buffers of type Event.
//   framing:  https://www.tensorflow.org/tutorials/load_data/tfrecord (uint64 length, masked crc32c of it, data, masked
//   crc32c) messages: tensorboard/compat/proto/event.proto and summary.proto (the fields used here are in
//   tests/report/event.proto)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tessera::report {

// Each function gives one Event, framed as a record. wall_time: seconds since 1970.
std::string file_version_record(double wall_time);
// Values at steps from `step` on that came before are void.
std::string session_start_record(double wall_time, int64_t step);
std::string scalars_record(double wall_time, int64_t step, const std::vector<std::pair<std::string, float>>& scalars);

// The length of the records before the first that is broken or of a step after `last_step`.
size_t whole_records(std::string_view file, int64_t last_step);

// The checksum of RFC 3720 (Castagnoli's polynomial).
uint32_t crc32c(std::string_view bytes);

}  // namespace tessera::report
