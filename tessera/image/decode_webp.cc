// WebP through libwebp: the first frame on its canvas, transparency dropped.
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>

#include "tessera/core/error.h"
#include "tessera/image/decode.h"
#include "tessera/image/exif.h"

namespace tessera::image {
namespace {

using Demuxer = std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)>;

int orientation_of(const WebPDemuxer* demuxer) {
  WebPChunkIterator chunk;
  if (!WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) return 1;
  const int orientation = exif_orientation({reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return std::max(orientation, 1);
}

// Draws the first frame onto the picture (H, W, 3); false where its data are broken.
bool draw_first_frame(const WebPDemuxer* demuxer, Picture& picture) {
  WebPIterator frame;
  if (!WebPDemuxGetFrame(demuxer, 1, &frame)) return false;
  // The demuxer has seen to it that the frame lies on the canvas.
  const int64_t begin = frame.y_offset * picture.row_bytes() + frame.x_offset * 3;
  const bool done = WebPDecodeRGBInto(frame.fragment.bytes, frame.fragment.size, picture.pixels.data() + begin,
                                      picture.pixels.size() - static_cast<size_t>(begin),
                                      static_cast<int>(picture.row_bytes())) != nullptr;
  WebPDemuxReleaseIterator(&frame);
  return done;
}

}  // namespace

Decoded decode_webp(std::span<const std::byte> bytes, std::string_view name, int64_t max_pixels) {
  const WebPData data{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
  const Demuxer demuxer(WebPDemuxPartial(&data, &state), WebPDemuxDelete);
  TESSERA_CHECK(state != WEBP_DEMUX_PARSE_ERROR, "{}: broken WebP: its header makes no sense", name);
  TESSERA_CHECK(demuxer && state == WEBP_DEMUX_DONE, "{}: broken WebP: the file is cut off", name);
  const int64_t width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  const int64_t height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  check_size(width, height, max_pixels, name);
  Picture picture(height, width, 3);
  TESSERA_CHECK(draw_first_frame(demuxer.get(), picture), "{}: broken WebP: its compressed data make no sense", name);
  return {std::move(picture), orientation_of(demuxer.get())};
}

}  // namespace tessera::image
