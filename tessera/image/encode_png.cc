#include "tessera/image/encode_png.h"

#include <csetjmp>
#include <cstdio>
#include <new>

#include <png.h>

#include "tessera/core/error.h"

namespace tessera::image {
namespace {

struct Writer {
  explicit Writer(const Picture& picture);
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  const Picture& picture;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::jmp_buf escape;
  char message[128] = "";
  std::vector<std::byte> bytes;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  Writer& writer = *static_cast<Writer*>(png_get_error_ptr(png));
  std::snprintf(writer.message, sizeof(writer.message), "%s", message);
  std::longjmp(writer.escape, 1);
}

// No exception may pass through libpng.
bool append(std::vector<std::byte>& bytes, const png_byte* data, size_t count) noexcept {
  try {
    const auto* begin = reinterpret_cast<const std::byte*>(data);
    bytes.insert(bytes.end(), begin, begin + count);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void on_write(png_structp png, png_bytep data, size_t count) {
  if (!append(static_cast<Writer*>(png_get_io_ptr(png))->bytes, data, count)) png_error(png, "out of memory");
}

Writer::Writer(const Picture& picture) : picture(picture) {
  png = png_create_write_struct(PNG_LIBPNG_VER_STRING, this, on_error, [](png_structp, png_const_charp) {});
  info = png ? png_create_info_struct(png) : nullptr;
  TESSERA_CHECK(info, "libpng could not be started: out of memory, or another version than the one built with");
}

// False if libpng gave up, and then writer.message says why. Nothing below owns anything: longjmp passes through it.
bool write(Writer& writer) {
  if (setjmp(writer.escape)) return false;
  const Picture& picture = writer.picture;
  png_set_write_fn(writer.png, &writer, on_write, [](png_structp) {});
  png_set_IHDR(writer.png, writer.info, static_cast<png_uint_32>(picture.width),
               static_cast<png_uint_32>(picture.height), 8,
               picture.channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  for (int64_t y = 0; y < picture.height; ++y) png_write_row(writer.png, picture.row(y));
  png_write_end(writer.png, writer.info);
  return true;
}

}  // namespace

std::vector<std::byte> encode_png(const Picture& picture) {
  TESSERA_CHECK(picture.height > 0 && picture.width > 0 && (picture.channels == 1 || picture.channels == 3),
                "encode_png: expected a picture of 1 or 3 channels, but got {} x {} pixels of {}", picture.width,
                picture.height, picture.channels);
  Writer writer(picture);
  TESSERA_CHECK(write(writer), "encode_png: {}", writer.message);
  return std::move(writer.bytes);
}

}  // namespace tessera::image
