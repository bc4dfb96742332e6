// Picture files to RGB pixels, the same pixels as Pillow's Image.open(file).convert("RGB").
//
// JPEG: libjpeg's defaults (accurate integer DCT, smooth chroma upsampling, block smoothing); gray, YCbCr, RGB, CMYK
// and YCCK. PNG: every colour type and bit depth, interlaced or not; 16 bits keep the high byte, except that 16-bit
// gray is clipped to 255, as Pillow has it. Transparency is dropped, not composited; of an animation the default
// picture is taken; colour profiles and gamma are left alone.
//
// Errors are tessera::Error, one line that names the file and the reason: cut off or corrupt data, a format that is not
// decoded, more than kMaxPixels. Functions are pure and may be called from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "tessera/image/picture.h"

namespace tessera::image {

// Larger pictures are refused before memory is taken: 500 million pixels are 1.5 GB.
inline constexpr int64_t kMaxPixels = 500'000'000;

// Whether to turn the picture as its EXIF orientation says (ImageOps.exif_transpose), or to leave it as it is stored,
// as torchvision, timm and Hugging Face do.
enum class Orientation { apply, ignore };

// (H, W, 3). `name` is what messages call the bytes. With a `need`, pixels outside that part are left undefined: half
// of the work is saved where a model sees the middle of a JPEG. Files that are wrong anywhere are an Error all the
// same.
Picture decode(std::span<const std::byte> bytes, std::string_view name, Orientation orientation = Orientation::apply,
               const Need& need = {});
Picture decode_file(const std::filesystem::path& path, Orientation orientation = Orientation::apply,
                    const Need& need = {});

// What the decoder of one format gives: pixels as stored, and how they should be turned (1 to 8, see exif.h).
struct Decoded {
  Picture picture;  // (H, W, 3)
  int orientation = 1;
};
Decoded decode_jpeg(std::span<const std::byte> bytes, std::string_view name, Orientation orientation,
                    const Need& need);                                        // decode_jpeg.cc
Decoded decode_png(std::span<const std::byte> bytes, std::string_view name);  // decode_png.cc

}  // namespace tessera::image
