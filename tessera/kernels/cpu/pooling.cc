#include "tessera/kernels/pooling.h"

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/cpu/row_sums.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// Channels are independent and contiguous: they are what the inner loops and the threads run over.

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};

// One window: the pixels of the picture that it covers, and how many of the padded picture.
struct Covered {
  Range rows, columns;
  int64_t padded;
};

Covered covered(const Pool2dShape& s, int64_t i, int64_t j) {
  const auto& [kernel, stride, pad] = s.window;
  const auto along = [](int64_t start, int64_t kernel, int64_t extent, int64_t after, int64_t& padded) {
    padded *= std::min(start + kernel, extent + after) - start;
    return Range{std::max<int64_t>(start, 0), std::min(start + kernel, extent)};
  };
  int64_t padded = 1;
  const Range rows = along(i * stride.h - pad.top, kernel.h, s.H, pad.bottom, padded);
  const Range columns = along(j * stride.w - pad.left, kernel.w, s.W, pad.right, padded);
  return {rows, columns, padded};
}

Covered covered(const AdaptivePool2dShape& s, int64_t i, int64_t j) {
  const auto part = [](int64_t index, int64_t extent, int64_t parts) {
    return Range{index * extent / parts, ((index + 1) * extent + parts - 1) / parts};
  };
  const Range rows = part(i, s.H, s.out.h), columns = part(j, s.W, s.out.w);
  return {rows, columns, rows.size() * columns.size()};
}

float weight_of(const Covered& window, bool count_padding) {
  return 1.0f / static_cast<float>(count_padding ? window.padded : window.rows.size() * window.columns.size());
}

// Calls body(b, output position, window, channels) for every window of every sample, in parallel over samples and
// channels: windows overlap, so that the gradients of one channel must come from one thread. C: the channels to run
// over, where they are not all of the shape's.
template <class Shape, class Body>
void for_windows(const Shape& s, int64_t C, const Body& body) {
  const int64_t positions = s.out.h * s.out.w;
  const int64_t grain = std::max<int64_t>(kMemoryGrain / std::max<int64_t>(s.H * s.W, 1), 16);  // channels
  parallel_runs(s.B, C, grain, [&](int64_t b, int64_t begin, int64_t end) {
    for (int64_t position = 0; position < positions; ++position)
      body(b, b * positions + position, covered(s, position / s.out.w, position % s.out.w), Range{begin, end});
  });
}
template <class Shape, class Body>
void for_windows(const Shape& s, const Body& body) {
  for_windows(s, s.C, body);
}

// Calls body(pixel) with h·W + w of each covered pixel, row by row.
template <class Body>
void for_pixels(const Covered& window, int64_t W, const Body& body) {
  for (int64_t h = window.rows.begin; h < window.rows.end; ++h)
    for (int64_t w = window.columns.begin; w < window.columns.end; ++w) body(h * W + w);
}

void clear_unless_added(const Grad& grad, int64_t n) {
  if (grad.accumulate) return;
  parallel_for(n, kMemoryGrain,
               [&](int64_t begin, int64_t end) { std::fill(grad.data + begin, grad.data + end, 0.0f); });
}

template <class Shape>
void mean_forward(const float* x, float* y, const Shape& s, bool count_padding) {
  for_windows(s, [&](int64_t b, int64_t position, const Covered& window, Range channels) {
    float* out = y + position * s.C;
    std::fill(out + channels.begin, out + channels.end, 0.0f);
    for_pixels(window, s.W, [&](int64_t pixel) {
      const float* in = x + (b * s.H * s.W + pixel) * s.C;
      for (int64_t c = channels.begin; c < channels.end; ++c) out[c] += in[c];
    });
    const float weight = weight_of(window, count_padding);
    for (int64_t c = channels.begin; c < channels.end; ++c) out[c] *= weight;
  });
}

template <class Shape>
void mean_backward(const float* dy, const Grad& dx, const Shape& s, bool count_padding) {
  clear_unless_added(dx, s.B * s.H * s.W * s.C);
  for_windows(s, [&](int64_t b, int64_t position, const Covered& window, Range channels) {
    const float* from = dy + position * s.C;
    const float weight = weight_of(window, count_padding);
    for_pixels(window, s.W, [&](int64_t pixel) {
      float* to = dx.data + (b * s.H * s.W + pixel) * s.C;
      for (int64_t c = channels.begin; c < channels.end; ++c) to[c] += weight * from[c];
    });
  });
}

}  // namespace

void max_pool2d_forward(Context&, const MaxPool2dForward& args) {
  const Pool2dShape& s = args.shape;
  for_windows(s, [&](int64_t b, int64_t position, const Covered& window, Range channels) {
    const int64_t n = channels.size(), offset = position * s.C + channels.begin;
    const int32_t first = static_cast<int32_t>(window.rows.begin * s.W + window.columns.begin);
    float* __restrict y = args.y + offset;
    int32_t* __restrict winner = args.winner ? args.winner + offset : nullptr;
    std::fill_n(y, n, -std::numeric_limits<float>::infinity());
    if (winner) std::fill_n(winner, n, first);
    for_pixels(window, s.W, [&](int64_t pixel) {
      const float* __restrict x = args.x + (b * s.H * s.W + pixel) * s.C + channels.begin;
      const auto larger = [&](int64_t c) {
        return (x[c] > y[c]) | (x[c] != x[c]);
      };  // no branch: these loops are vectors
      if (winner)
        for (int64_t c = 0; c < n; ++c) winner[c] = larger(c) ? static_cast<int32_t>(pixel) : winner[c];
      for (int64_t c = 0; c < n; ++c) y[c] = larger(c) ? x[c] : y[c];
    });
  });
}

void magnitude_pool2d_forward(Context&, const MagnitudePool2dForward& args) {
  const Pool2dShape& s = args.shape;
  const int64_t C = s.C / 2;
  for_windows(s, C, [&](int64_t b, int64_t position, const Covered& window, Range channels) {
    for (int64_t c = channels.begin; c < channels.end; ++c) {
      int64_t winner = -1;
      float largest = 0;
      for_pixels(window, s.W, [&](int64_t pixel) {
        const float* x = args.x + (b * s.H * s.W + pixel) * s.C;
        const float square = x[c] * x[c] + x[C + c] * x[C + c];
        if (winner < 0 || square > largest || square != square) winner = pixel, largest = square;
      });
      for (const int64_t part : {c, C + c}) {
        args.y[position * s.C + part] = args.x[(b * s.H * s.W + winner) * s.C + part];
        if (args.winner) args.winner[position * s.C + part] = static_cast<int32_t>(winner);
      }
    }
  });
}

void max_pool2d_backward(Context&, const MaxPool2dBackward& args) {
  const Pool2dShape& s = args.shape;
  clear_unless_added(args.dx, s.B * s.H * s.W * s.C);
  for_windows(s, [&](int64_t b, int64_t position, const Covered&, Range channels) {
    const float* dy = args.dy + position * s.C;
    const int32_t* winner = args.winner + position * s.C;
    float* dx = args.dx.data + b * s.H * s.W * s.C;
    for (int64_t c = channels.begin; c < channels.end; ++c) dx[winner[c] * s.C + c] += dy[c];
  });
}

void avg_pool2d_forward(Context&, const AvgPool2dForward& args) {
  mean_forward(args.x, args.y, args.shape, args.count_padding);
}

void avg_pool2d_backward(Context&, const AvgPool2dBackward& args) {
  mean_backward(args.dy, args.dx, args.shape, args.count_padding);
}

void adaptive_avg_pool2d_forward(Context&, const AdaptiveAvgPool2dForward& args) {
  mean_forward(args.x, args.y, args.shape, false);
}

void adaptive_avg_pool2d_backward(Context&, const AdaptiveAvgPool2dBackward& args) {
  mean_backward(args.dy, args.dx, args.shape, false);
}

namespace {

// Of the mean of tokens, forward or backward.
template <class Args>
bool counts(const Args& args, int64_t b, int64_t n) {
  return n >= args.first && (!args.mask || args.mask[b * args.N + n]);
}

template <class Args>
float weight_of_token(const Args& args, int64_t b) {
  int64_t count = 0;
  for (int64_t n = args.first; n < args.N; ++n) count += counts(args, b, n);
  return count > 0 ? 1.0f / static_cast<float>(count) : 0.0f;
}

}  // namespace

void mean_tokens_forward(Context& context, const MeanTokensForward& args) {
  const Measured measured(context, [&] { return memory_work("mean", args.B * args.N * args.D, 1); });
  const int64_t N = args.N, D = args.D;
  const auto add_tokens = [&](int64_t b, int64_t begin, int64_t end, float* sums) {
    while (begin < end) {  // runs of tokens that count
      while (begin < end && !counts(args, b, begin)) ++begin;
      const int64_t first = begin;
      while (begin < end && counts(args, b, begin)) ++begin;
      add_rows(args.x + (b * N + first) * D, begin - first, D, D, sums);
    }
  };
  const auto finish = [&](int64_t b) {
    const float weight = weight_of_token(args, b);
    for (float& y : std::span(args.y + b * D, static_cast<size_t>(D))) y *= weight;
  };
  if (args.B < num_threads()) {  // threads share the tokens
    for (int64_t b = 0; b < args.B; ++b) {
      const int64_t grain = std::max<int64_t>(kMemoryGrain / D, 8);
      PartialSums sums({args.y + b * D}, D, parallel_pieces(N, grain));
      parallel_for_pieces(N, grain,
                          [&](int piece, int64_t begin, int64_t end) { add_tokens(b, begin, end, sums.of(piece)); });
      sums.gather();
      finish(b);
    }
    return;
  }
  parallel_for(args.B, std::max<int64_t>(kMemoryGrain / (N * D), 1), [&](int64_t begin, int64_t end) {
    std::fill(args.y + begin * D, args.y + end * D, 0.0f);
    for (int64_t b = begin; b < end; ++b) add_tokens(b, 0, N, args.y + b * D), finish(b);
  });
}

void mean_tokens_backward(Context& context, const MeanTokensBackward& args) {
  const Measured measured(context, [&] { return memory_work("mean, backward", args.B * args.N * args.D, 1); });
  const int64_t D = args.D;
  std::vector<float> weights(static_cast<size_t>(args.B));
  for (int64_t b = 0; b < args.B; ++b) weights[static_cast<size_t>(b)] = weight_of_token(args, b);
  parallel_for(args.B * args.N, std::max<int64_t>(kMemoryGrain / D, 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t b = row / args.N;
      const float* dy = args.dy + b * D;
      const float share = counts(args, b, row % args.N) ? weights[static_cast<size_t>(b)] : 0.0f;
      store_over(D, args.dx.data + row * D, args.dx.accumulate, [&](int64_t d) { return share * dy[d]; });
    }
  });
}

}  // namespace tessera::kernels
