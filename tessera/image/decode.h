// Picture files to RGB pixels, the same pixels as Pillow's Image.open(file).convert("RGB").
//
// JPEG: libjpeg's defaults (accurate integer DCT, smooth chroma upsampling, block smoothing); gray, YCbCr, RGB, CMYK
// and YCCK. PNG: every colour type and bit depth, interlaced or not; 16 bits keep the high byte, except that 16-bit
// gray is clipped to 255, as Pillow has it. WebP, lossy or not. GIF. BMP: 1 to 32 bits, with masks or run-length coded.
// TIFF: bilevel to 16 bits, gray, palette, RGB, CMYK; uncompressed, PackBits, LZW, deflate.
// Transparency is dropped, not composited; of an animation the default picture is taken, or the first; colour profiles
// and gamma are left alone.
//
// Errors are tessera::Error, one line that names the file and the reason: cut off or corrupt data, a format that is not
// decoded, too many pixels. Functions are pure and may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "tessera/image/picture.h"

namespace tessera::image {

// As many as Pillow opens: twice its MAX_IMAGE_PIXELS. In RGB they take 537 MB.
inline constexpr int64_t kMaxPixels = 178'956'970;
// Larger sides and files are refused whatever the number of pixels.
inline constexpr int64_t kMaxSide = 1'000'000;
inline constexpr int64_t kMaxFileBytes = int64_t{1} << 30;

// Whether to turn the picture as its EXIF orientation says (ImageOps.exif_transpose), or to leave it as it is stored,
// as torchvision, timm and Hugging Face do.
enum class Orientation { apply, ignore };

struct Decoding {
  Orientation orientation = Orientation::apply;
  int64_t max_pixels = kMaxPixels;  // of a picture; more are refused before memory is taken
  // Pixels outside that part are left undefined: half of the work is saved where a model sees the middle of a JPEG.
  // Files that are wrong anywhere are an Error all the same.
  Need need = {};
};

// (H, W, 3). `name` is what messages call the bytes.
Picture decode(std::span<const std::byte> bytes, std::string_view name, const Decoding& how = {});
Picture decode_file(const std::filesystem::path& path, const Decoding& how = {});

// What the decoder of one format gives: pixels as stored, and how they should be turned (1 to 8, see exif.h).
struct Decoded {
  Picture picture;  // (H, W, 3)
  int orientation = 1;
};
// decode_<format>.cc each
Decoded decode_jpeg(std::span<const std::byte> bytes, std::string_view name, const Decoding& how);
Decoded decode_png(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels);
Decoded decode_webp(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels);
Decoded decode_gif(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels);
Decoded decode_bmp(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels);
Decoded decode_tiff(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels);
// What they ask as soon as they know the size: an Error where a limit is exceeded.
void check_size(int64_t width, int64_t height, int64_t max_pixels, std::string_view name);

}  // namespace tessera::image
