#include "tessera/kernels/group_norm.h"

#include <cmath>

#include "tessera/kernels/cpu/loops.h"
#include "tessera/kernels/profile.h"

namespace tessera::kernels {

namespace {

// A sample's channels [begin, end): whole groups, one after the other in memory within each pixel, so that the inner
// loops run over all of them.
struct Channels {
  const GroupNormShape& shape;
  int64_t sample, begin, end;

  int64_t size() const { return end - begin; }
  int64_t width() const { return shape.C / shape.G; }  // of a group
  int64_t elements() const { return shape.P * width(); }
  int64_t groups() const { return size() / width(); }
  int64_t first_group() const { return sample * shape.G + begin / width(); }
  // Of pixel p of an array (B, P, C).
  template <class T>
  T* of(T* array, int64_t p) const {
    return array + (sample * shape.P + p) * shape.C + begin;
  }
  // A value of each group, array (B, G), for each channel.
  std::vector<float> spread(const float* array) const {
    std::vector<float> result(static_cast<size_t>(size()));
    for (int64_t c = 0; c < size(); ++c) result[static_cast<size_t>(c)] = array[first_group() + c / width()];
    return result;
  }
};

// Calls body(Channels) in parallel over samples and groups.
template <class Body>
void for_channels(const GroupNormShape& s, const Body& body) {
  const int64_t width = s.C / s.G;
  parallel_runs(s.B, s.G, std::max<int64_t>(kMemoryGrain / std::max<int64_t>(s.P * width, 1), 1),
                [&](int64_t b, int64_t begin, int64_t end) {
                  body(Channels{s, b, begin * width, end * width});
                });
}

// out[c] = Σ_p row(p)(c): a few rows in float, whose sums are added in double, since there may be very many pixels.
template <class Row>
void sum_pixels(const Channels& channels, double* out, Row row) {
  constexpr int64_t kRows = 32;
  const int64_t n = channels.size(), P = channels.shape.P;
  std::vector<float> some(static_cast<size_t>(n));
  std::fill_n(out, n, 0.0);
  for (int64_t begin = 0; begin < P; begin += kRows) {
    float* __restrict sum = some.data();
    std::fill_n(sum, n, 0.0f);
    for (int64_t p = begin; p < std::min(begin + kRows, P); ++p) {
      const auto value = row(p);
      for (int64_t c = 0; c < n; ++c) sum[c] += value(c);
    }
    for (int64_t c = 0; c < n; ++c) out[c] += sum[c];
  }
}

// Σ over the channels of group g of `sums`, over the elements of the group.
double mean_of_group(const Channels& channels, const double* sums, int64_t g) {
  double sum = 0;
  for (int64_t c = g * channels.width(); c < (g + 1) * channels.width(); ++c) sum += sums[c];
  return sum / static_cast<double>(channels.elements());
}

}  // namespace

void group_norm_forward(Context& context, const GroupNormForward& args) {
  const GroupNormShape& s = args.shape;
  const Measured measured(context, [&] { return memory_work("group norm", s.B * s.P * s.C, 2); });
  for_channels(s, [&](const Channels& channels) {
    const int64_t n = channels.size(), first = channels.first_group();
    std::vector<double> sums(static_cast<size_t>(n));
    sum_pixels(channels, sums.data(),
               [&](int64_t p) { return [x = channels.of(args.x, p)](int64_t c) { return x[c]; }; });
    for (int64_t g = 0; g < channels.groups(); ++g)
      args.mean[first + g] = static_cast<float>(mean_of_group(channels, sums.data(), g));
    const std::vector<float> means = channels.spread(args.mean);
    const float* mean = means.data();
    sum_pixels(channels, sums.data(), [&](int64_t p) {
      return [x = channels.of(args.x, p), mean](int64_t c) { return (x[c] - mean[c]) * (x[c] - mean[c]); };
    });
    for (int64_t g = 0; g < channels.groups(); ++g)
      args.rstd[first + g] = static_cast<float>(1 / std::sqrt(mean_of_group(channels, sums.data(), g) + args.eps));
    std::vector<float> scales = channels.spread(args.rstd);
    for (int64_t c = 0; c < n; ++c) scales[static_cast<size_t>(c)] *= args.gamma[channels.begin + c];
    const float *scale = scales.data(), *beta = args.beta + channels.begin;
    const float least = args.relu ? 0.0f : -INFINITY;
    for (int64_t p = 0; p < s.P; ++p) {
      const float* x = channels.of(args.x, p);
      float* y = channels.of(args.y, p);
      for (int64_t c = 0; c < n; ++c) {
        const float value = (x[c] - mean[c]) * scale[c] + beta[c];
        y[c] = value < least ? least : value;  // NaN stays
      }
    }
  });
}

void group_norm_backward(Context& context, const GroupNormBackward& args) {
  const GroupNormShape& s = args.shape;
  const Measured measured(context, [&] { return memory_work("group norm, backward", s.B * s.P * s.C, 3); });
  std::vector<double> dgamma(static_cast<size_t>(s.B * s.C)), dbeta(dgamma.size());  // (B, C)
  for_channels(s, [&](const Channels& channels) {
    const int64_t n = channels.size(), groups = channels.groups();
    const std::vector<float> means = channels.spread(args.mean), rstds = channels.spread(args.rstd);
    const float *mean = means.data(), *rstd = rstds.data();
    const float *gamma = args.gamma + channels.begin, *beta = args.beta + channels.begin;
    const bool all = !args.relu;
    const auto delta = [=](const float* x, const float* dy, int64_t c) {
      return (all | ((x[c] - mean[c]) * (rstd[c] * gamma[c]) + beta[c] > 0)) ? dy[c] : 0.0f;
    };
    double* sum = dbeta.data() + channels.sample * s.C + channels.begin;
    double* sum_normed = dgamma.data() + channels.sample * s.C + channels.begin;
    sum_pixels(channels, sum, [&](int64_t p) {
      return [=, x = channels.of(args.x, p), dy = channels.of(args.dy, p)](int64_t c) { return delta(x, dy, c); };
    });
    sum_pixels(channels, sum_normed, [&](int64_t p) {
      return [=, x = channels.of(args.x, p), dy = channels.of(args.dy, p)](int64_t c) {
        return delta(x, dy, c) * ((x[c] - mean[c]) * rstd[c]);
      };
    });
    if (!args.dx) return;
    std::vector<float> mean_g(static_cast<size_t>(n)), mean_gx(mean_g.size());
    std::vector<double> weighted(mean_g.size());
    for (const auto& [sums, result] : {std::pair{sum, &mean_g}, std::pair{sum_normed, &mean_gx}}) {
      for (int64_t c = 0; c < n; ++c) weighted[static_cast<size_t>(c)] = sums[c] * gamma[c];
      for (int64_t g = 0; g < groups; ++g)
        std::fill_n(result->begin() + g * channels.width(), channels.width(),
                    static_cast<float>(mean_of_group(channels, weighted.data(), g)));
    }
    const float *a = mean_g.data(), *b = mean_gx.data();
    for (int64_t p = 0; p < s.P; ++p) {
      const float *x = channels.of(args.x, p), *dy = channels.of(args.dy, p);
      store_over(n, channels.of(args.dx.data, p), args.dx.accumulate, [&](int64_t c) {
        return rstd[c] * (delta(x, dy, c) * gamma[c] - a[c] - (x[c] - mean[c]) * rstd[c] * b[c]);
      });
    }
  });
  for (const auto& [grad, sums] : {std::pair{args.dgamma, dgamma.data()}, std::pair{args.dbeta, dbeta.data()}}) {
    if (!grad) continue;
    store_over(s.C, grad.data, grad.accumulate, [&, sums = sums](int64_t c) {
      double sum = 0;
      for (int64_t b = 0; b < s.B; ++b) sum += sums[b * s.C + c];
      return static_cast<float>(sum);
    });
  }
}

}  // namespace tessera::kernels
