// JPEG through libjpeg-turbo. libjpeg reports errors by longjmp: it happens only below attempt(), through functions
// that own nothing, and everything to be freed belongs to a Reader.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include "tessera/core/error.h"
#include "tessera/image/decode.h"
#include "tessera/image/exif.h"

namespace tessera::image {
namespace {

constexpr int kRowsAtOnce = 8;
constexpr int kMaxScans = 500;  // of a progressive file: a small one can ask for days of work

struct Reader {
  explicit Reader(std::span<const std::byte> bytes);
  ~Reader() { jpeg_destroy_decompress(&info); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_source_mgr source{};
  jpeg_progress_mgr progress{};
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX] = "";
  bool cut_off = false;         // libjpeg asked for more bytes than there are
  Rectangle part;               // of the picture: what is to be decoded
  std::vector<uint8_t> pixels;  // of the whole picture down to the last row decoded, info.output_components bytes each
};

[[noreturn]] void on_error(j_common_ptr info) {
  Reader& reader = *static_cast<Reader*>(info->client_data);
  info->err->format_message(info, reader.message);
  std::longjmp(reader.escape, 1);
}

// libjpeg would go on with gray pixels; Pillow and we call a file that was cut off an error.
boolean on_end_of_data(j_decompress_ptr info) {
  Reader& reader = *static_cast<Reader*>(info->client_data);
  reader.cut_off = true;
  std::snprintf(reader.message, sizeof(reader.message), "the file is cut off (%u of %u rows are there)",
                info->output_scanline, info->image_height);
  std::longjmp(reader.escape, 1);
}

void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  Reader& reader = *static_cast<Reader*>(info->client_data);
  std::snprintf(reader.message, sizeof(reader.message), "more than %d scans", kMaxScans);
  std::longjmp(reader.escape, 1);
}

void skip_bytes(j_decompress_ptr info, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > info->src->bytes_in_buffer) on_end_of_data(info);
  info->src->next_input_byte += count;
  info->src->bytes_in_buffer -= static_cast<size_t>(count);
}

Reader::Reader(std::span<const std::byte> bytes) {
  info.err = jpeg_std_error(&errors);
  errors.error_exit = on_error;
  errors.emit_message = [](j_common_ptr, int) {};  // warnings: libjpeg repairs what it warns about, Pillow is silent
  info.client_data = this;
  progress.progress_monitor = on_progress;
  source.next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
  source.bytes_in_buffer = bytes.size();
  source.init_source = [](j_decompress_ptr) {};
  source.fill_input_buffer = on_end_of_data;
  source.skip_input_data = skip_bytes;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = [](j_decompress_ptr) {};
}

// Runs one step; false if libjpeg gave up, and then reader.message says why. A step owns nothing, so nothing leaks.
bool attempt(Reader& reader, void (*step)(Reader&)) {
  if (setjmp(reader.escape)) return false;
  step(reader);
  return true;
}

void read_header(Reader& reader) {
  jpeg_create_decompress(&reader.info);
  reader.info.src = &reader.source;
  reader.info.progress = &reader.progress;
  jpeg_save_markers(&reader.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&reader.info, TRUE);
}

// Whether scans of a progressive file are missing: libjpeg then smooths the blocks, by neighbours that it would not
// see.
bool is_coarse(const jpeg_decompress_struct& info) {
  if (!info.coef_bits) return false;
  for (int c = 0; c < info.num_components; ++c) {
    const int* bits = info.coef_bits[c];  // not yet known of each coefficient; -1: all
    if (std::any_of(bits, bits + DCTSIZE2, [](int unknown) { return unknown != 0; })) return true;
  }
  return false;
}

// Leaves out the columns that are not wanted; what is left begins at the column returned. The first and the last column
// of it are not those of the whole picture, where chroma is upsampled smoothly: one more is decoded at each side.
JDIMENSION crop_columns(Reader& reader) {
  jpeg_decompress_struct& info = reader.info;
  const auto left = static_cast<JDIMENSION>(std::max<int64_t>(reader.part.left - 1, 0));
  const auto right = static_cast<JDIMENSION>(reader.part.left + reader.part.width + 2);
  JDIMENSION first = left, width = std::min(right, info.output_width) - left;
  jpeg_crop_scanline(&info, &first, &width);  // moves `first` to the left
  return first;
}

// Decodes rows up to `end`, of which the first pixel is `first`. Memory is touched as rows arrive, so that a header
// alone cannot claim much of it.
void read_rows_until(Reader& reader, JDIMENSION end, JDIMENSION first) {
  jpeg_decompress_struct& info = reader.info;
  const auto pixel_bytes = static_cast<size_t>(info.output_components);
  const size_t row_bytes = info.image_width * pixel_bytes;
  while (info.output_scanline < end) {
    const JDIMENSION left = end - info.output_scanline;
    const JDIMENSION wanted = left < kRowsAtOnce ? left : kRowsAtOnce;
    const size_t begin = info.output_scanline * row_bytes;
    reader.pixels.resize(begin + wanted * row_bytes);
    JSAMPROW rows[kRowsAtOnce];
    for (JDIMENSION i = 0; i < wanted; ++i)
      rows[i] = reader.pixels.data() + begin + i * row_bytes + first * pixel_bytes;
    jpeg_read_scanlines(&info, rows, wanted);
  }
}

// Whether coded pixels and the end marker are all that follows. Then nothing can be wrong with what is not yet decoded.
bool rest_is_sound(jpeg_decompress_struct& info) {
  const auto is_restart = [](int marker) { return marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7; };
  if (jpeg_input_complete(&info) || info.unread_marker == JPEG_EOI) return true;
  if (info.unread_marker != 0 && !is_restart(info.unread_marker)) return false;
  std::span<const JOCTET> rest(info.src->next_input_byte, info.src->bytes_in_buffer);
  while (const void* found = std::memchr(rest.data(), 0xFF, rest.size())) {
    const auto* code = std::find_if(static_cast<const JOCTET*>(found), rest.data() + rest.size(),
                                    [](JOCTET byte) { return byte != 0xFF; });
    rest = {code, rest.data() + rest.size()};
    if (rest.empty()) return false;
    if (*code != 0 && !is_restart(*code)) return *code == JPEG_EOI;
  }
  return false;
}

void read_rows(Reader& reader) {
  jpeg_decompress_struct& info = reader.info;
  jpeg_start_decompress(&info);
  if (is_coarse(info)) reader.part = {0, 0, info.image_height, info.image_width};
  reader.pixels.reserve(info.output_height * info.output_width * static_cast<size_t>(info.output_components));
  const JDIMENSION first = crop_columns(reader);
  if (reader.part.top > 0) jpeg_skip_scanlines(&info, static_cast<JDIMENSION>(reader.part.top));
  read_rows_until(reader, static_cast<JDIMENSION>(reader.part.top + reader.part.height), first);
  if (rest_is_sound(info)) return;
  read_rows_until(reader, info.output_height, first);
}

void read_end(Reader& reader) {
  if (reader.info.output_scanline == reader.info.output_height) jpeg_finish_decompress(&reader.info);
}

void choose_output(Reader& reader, std::string_view name, int64_t max_pixels) {
  jpeg_decompress_struct& info = reader.info;
  const int64_t width = info.image_width, height = info.image_height;
  check_size(width, height, max_pixels, name);
  const int components = info.num_components;
  TESSERA_CHECK(components == 1 || components == 3 || components == 4,
                "{}: a JPEG with {} colour components cannot be read", name, components);
  info.out_color_space = components == 4 ? JCS_CMYK : JCS_RGB;
}

// round(a b / 255)
int times(int a, int b) {
  const int t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

// Stored CMYK is inverted, as Adobe's programs write it and Pillow assumes: (C, M, Y, K) holds 255 - ink.
Picture cmyk_to_rgb(int64_t height, int64_t width, const std::vector<uint8_t>& cmyk) {
  Picture rgb(height, width, 3);
  for (int64_t i = 0; i < height * width; ++i) {
    const uint8_t* from = cmyk.data() + 4 * i;
    const int light = from[3];  // 255 - K
    for (int c = 0; c < 3; ++c) {
      const int value = light - times(255 - from[c], light);
      rgb.pixels[static_cast<size_t>(3 * i + c)] = static_cast<uint8_t>(value < 0 ? 0 : value);
    }
  }
  return rgb;
}

int orientation_of(const jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* marker = info.marker_list; marker; marker = marker->next) {
    const std::span data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
    if (data.size() >= 5 && std::memcmp(data.data(), "Exif", 5) == 0) return std::max(exif_orientation(data), 1);
  }
  return 1;
}

}  // namespace

Decoded decode_jpeg(std::span<const std::byte> bytes, std::string_view name, const Decoding& how) {
  Reader reader(bytes);
  TESSERA_CHECK(attempt(reader, read_header), "{}: broken JPEG: {}", name, reader.message);
  choose_output(reader, name, how.max_pixels);
  const int orientation = orientation_of(reader.info);
  const int64_t width = reader.info.image_width, height = reader.info.image_height;
  const bool is_turned = how.orientation == Orientation::apply && orientation != 1;
  reader.part = how.need && !is_turned ? how.need(height, width) : Rectangle{0, 0, height, width};
  const bool is_read = attempt(reader, read_rows);
  if (!is_read && how.need)
    return decode_jpeg(bytes, name, {how.orientation, how.max_pixels, {}});  // says what is wrong with the whole
  TESSERA_CHECK(is_read, "{}: broken JPEG: {}", name, reader.message);
  // Like Pillow, we do not miss what should follow the last row.
  TESSERA_CHECK(attempt(reader, read_end) || reader.cut_off, "{}: broken JPEG: {}", name, reader.message);
  reader.pixels.resize(static_cast<size_t>(height * width * reader.info.output_components));
  if (reader.info.out_color_space == JCS_CMYK) return {cmyk_to_rgb(height, width, reader.pixels), orientation};
  return {Picture(height, width, 3, std::move(reader.pixels)), orientation};
}

}  // namespace tessera::image
