// The orientation a camera wrote beside the pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace tessera::image {

// EXIF tag 0x0112 of the first directory of a TIFF header ("II*\0…" or "MM\0*…", with or without "Exif\0\0" before it):
//   1 as stored      2 mirrored left-right   3 turned by 180°            4 mirrored top-bottom
//   5 transposed     6 to be turned by 90° clockwise   7 transposed across the other diagonal   8 to be turned by 270°
// 0 where there is no such tag or the data are broken, 1 where its value is out of range: a picture is not refused for
// its notes.
int exif_orientation(std::span<const std::byte> data);

// The same of an XMP packet: tiff:Orientation as an attribute or an element.
int xmp_orientation(std::string_view xmp);

// The bytes of a PNG text "Raw profile type exif", as ImageMagick writes it: three lines, then hexadecimal digits.
std::vector<std::byte> raw_profile(std::string_view text);

}  // namespace tessera::image
