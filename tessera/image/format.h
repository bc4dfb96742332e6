// Which kind of picture file some bytes are, told from their first bytes and never from a name.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace tessera::image {

enum class Format { jpeg, png, webp, gif, bmp, tiff, heif };

// Nothing where the bytes begin no known picture format: a stray file, not a corrupt picture. 16 bytes are enough to
// tell.
std::optional<Format> sniff(std::span<const std::byte> bytes);

// Whether decode() reads it.
bool can_decode(Format format);

// As written in messages: "JPEG", "WebP".
std::string_view to_string(Format format);

}  // namespace tessera::image
