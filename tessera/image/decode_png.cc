// PNG through libpng. As in decode_jpeg.cc, longjmp happens only below attempt(), through functions that own nothing.
#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <png.h>

#include "tessera/core/error.h"
#include "tessera/image/byte_reader.h"
#include "tessera/image/decode.h"
#include "tessera/image/exif.h"

namespace tessera::image {
namespace {

struct Reader {
  explicit Reader(std::span<const std::byte> bytes);
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  std::span<const std::byte> left;  // what is not yet read
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf escape;
  char message[128] = "";
  size_t missing = 0;           // size of the read that went beyond the end
  std::vector<uint8_t> pixels;  // (H, row_bytes)
  std::vector<png_bytep> rows;  // of pixels
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  Reader& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(reader.message, sizeof(reader.message), "%s", message);
  std::longjmp(reader.escape, 1);
}

void on_read(png_structp png, png_bytep to, size_t count) {
  Reader& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader.left.size()) {
    reader.missing = count;
    png_error(png, "the file is cut off");
  }
  std::memcpy(to, reader.left.data(), count);
  reader.left = reader.left.subspan(count);
}

Reader::Reader(std::span<const std::byte> bytes) : left(bytes) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
  info = png ? png_create_info_struct(png) : nullptr;
  TESSERA_CHECK(info, "libpng could not be started: out of memory, or another version than the one built with");
}

// Runs one step; false if libpng gave up, and then reader.message says why. A step owns nothing, so nothing leaks.
bool attempt(Reader& reader, void (*step)(Reader&)) {
  if (setjmp(reader.escape)) return false;
  step(reader);
  return true;
}

void read_header(Reader& reader) {
  png_set_read_fn(reader.png, &reader, on_read);
  // Texts may inflate to anything; longer ones than these are left out, as are colour profiles.
  png_set_chunk_malloc_max(reader.png, 1 << 20);
  png_set_chunk_cache_max(reader.png, 32);
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, reinterpret_cast<png_const_bytep>("iCCP"), 1);
  png_read_info(reader.png, reader.info);
  // Like Pillow, we trust the checksum inside the pixel data, not the one around them.
  png_set_crc_action(reader.png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
}

bool is_gray16(const Reader& reader) {
  return png_get_color_type(reader.png, reader.info) == PNG_COLOR_TYPE_GRAY &&
         png_get_bit_depth(reader.png, reader.info) == 16;
}

// To 8-bit RGB, or to 16-bit gray where that is stored.
void set_transforms(Reader& reader) {
  png_set_interlace_handling(reader.png);
  if (!is_gray16(reader)) {
    png_set_strip_16(reader.png);  // the high byte
    const int type = png_get_color_type(reader.png, reader.info);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.png);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(reader.png);
    png_set_strip_alpha(reader.png);
    png_set_gray_to_rgb(reader.png);
  }
  png_read_update_info(reader.png, reader.info);
}

void read_rows(Reader& reader) { png_read_image(reader.png, reader.rows.data()); }

void read_end(Reader& reader) { png_read_end(reader.png, reader.info); }

void check_header(const Reader& reader, std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  const int64_t width = png_get_image_width(reader.png, reader.info);
  const int64_t height = png_get_image_height(reader.png, reader.info);
  check_size(width, height, max_pixels, name);
  // deflate makes at most 1032 bytes of one, so that a header alone cannot claim much memory.
  const uint64_t stored = png_get_rowbytes(reader.png, reader.info) * static_cast<uint64_t>(height);
  TESSERA_CHECK(stored / 1032 <= bytes.size(), "{}: broken PNG: {} bytes cannot hold {} x {} pixels", name,
                bytes.size(), width, height);
}

void allocate_rows(Reader& reader) {
  const size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  const size_t height = png_get_image_height(reader.png, reader.info);
  reader.pixels.resize(height * row_bytes);
  reader.rows.resize(height);
  for (size_t y = 0; y < height; ++y) reader.rows[y] = reader.pixels.data() + y * row_bytes;
}

// (H, W) of big-endian 16-bit gray, clipped to 255 -> (H, W, 3)
Picture gray16_to_rgb(int64_t height, int64_t width, const std::vector<uint8_t>& gray) {
  Picture rgb(height, width, 3);
  for (size_t i = 0; i < static_cast<size_t>(height * width); ++i) {
    const uint8_t value = gray[2 * i] ? 255 : gray[2 * i + 1];
    std::fill_n(rgb.pixels.data() + 3 * i, 3, value);
  }
  return rgb;
}

std::string_view text_of(const Reader& reader, std::string_view key) {
  png_textp texts = nullptr;
  const int count = png_get_text(reader.png, reader.info, &texts, nullptr);
  for (int i = 0; i < count; ++i) {
    if (texts[i].key != key || !texts[i].text) continue;
    const bool international = texts[i].compression >= PNG_ITXT_COMPRESSION_NONE;
    return {texts[i].text, international ? texts[i].itxt_length : texts[i].text_length};
  }
  return {};
}

// libpng makes room for what a chunk's length claims, up to 2 GiB for some kinds of them, before it looks for the
// bytes.
void check_chunks(std::span<const std::byte> bytes, std::string_view name) {
  constexpr size_t kSignature = 8, kHead = 8, kChecksum = 4;
  constexpr uint32_t kPixels = 0x49444154;  // IDAT, which is read in pieces
  constexpr uint32_t kEnd = 0x49454E44;     // IEND: what follows is none of the picture's
  ByteReader reader(bytes, name, "PNG");
  reader.set_big_endian(true);
  reader.skip(std::min(kSignature, bytes.size()));
  while (reader.left() >= kHead) {
    const size_t length = reader.u32();
    const uint32_t kind = reader.u32();
    if (kind == kEnd) return;
    if (kind != kPixels && length > reader.left() + kHead) reader.cut_off();
    reader.skip(std::min(length + kChecksum, reader.left()));
  }
}

// Where Pillow looks, in its order.
int orientation_of(const Reader& reader) {
  png_uint_32 size = 0;
  png_bytep data = nullptr;
  const bool has_exif = png_get_eXIf_1(reader.png, reader.info, &size, &data) != 0;
  const int exif = has_exif ? exif_orientation({reinterpret_cast<const std::byte*>(data), size})
                            : exif_orientation(raw_profile(text_of(reader, "Raw profile type exif")));
  if (exif) return exif;
  const int xmp = xmp_orientation(text_of(reader, "XML:com.adobe.xmp"));
  return xmp ? xmp : 1;
}

}  // namespace

Decoded decode_png(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  check_chunks(bytes, name);
  Reader reader(bytes);
  TESSERA_CHECK(attempt(reader, read_header), "{}: broken PNG: {}", name, reader.message);
  check_header(reader, bytes, name, max_pixels);
  const bool gray16 = is_gray16(reader);
  TESSERA_CHECK(attempt(reader, set_transforms), "{}: broken PNG: {}", name, reader.message);
  allocate_rows(reader);
  TESSERA_CHECK(attempt(reader, read_rows), "{}: broken PNG: {}", name, reader.message);
  // Like Pillow, we do not miss the frame of a chunk (8 bytes before it, 4 behind) after the pixels, but its contents.
  const bool is_whole = attempt(reader, read_end) || (reader.missing > 0 && reader.missing <= 8);
  TESSERA_CHECK(is_whole, "{}: broken PNG: {}", name, reader.message);
  const int64_t width = png_get_image_width(reader.png, reader.info);
  const int64_t height = png_get_image_height(reader.png, reader.info);
  const int orientation = orientation_of(reader);
  if (gray16) return {gray16_to_rgb(height, width, reader.pixels), orientation};
  return {Picture(height, width, 3, std::move(reader.pixels)), orientation};
}

}  // namespace tessera::image
