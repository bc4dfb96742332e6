// Matrix products inside one thread, with packed operands, once per target.
#if defined(TESSERA_KERNELS_CPU_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_TILES_INL_H_
#undef TESSERA_KERNELS_CPU_TILES_INL_H_
#else
#define TESSERA_KERNELS_CPU_TILES_INL_H_
#endif

#include <array>
#include <cstdint>
#include <utility>

#include "tessera/kernels/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

// A tile of the result stays in registers: 24 of 32 with AVX-512, 12 of 16 elsewhere.
constexpr int kTileRows = 6;
constexpr int kTileVecs = hn::MaxLanes(F()) == 16 ? 4 : 2;

inline int64_t CeilDiv(int64_t n, int64_t by) { return (n + by - 1) / by; }
inline int64_t VecsOf(int64_t n) { return CeilDiv(n, LaneCount()); }

// The distance of rows of n floats, padded to whole vectors; an odd number of cache lines, so that rows below each
// other do not compete for the same places of the cache.
inline int64_t StrideOf(int64_t n) { return (CeilDiv(n, 16) | 1) * 16; }

// c[r, v] (+)= Σ_k a(r, k)·b[k, v], b and c aligned, strides in floats. a(r, k) is a[r·lda + k], or a[k·lda + r] where
// kTransposed.
template <int kRows, int kVecs, bool kTransposed>
void Tile(const float* HWY_RESTRICT a, int64_t lda, const float* HWY_RESTRICT b, int64_t ldb, int64_t depth,
          float* HWY_RESTRICT c, int64_t ldc, bool add) {
  const F f;
  const int64_t lanes = LaneCount();
  Vec sums[kRows][kVecs];
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVecs; ++v) sums[r][v] = hn::Zero(f);
  for (int64_t k = 0; k < depth; ++k) {
    Vec row[kVecs];
    for (int v = 0; v < kVecs; ++v) row[v] = hn::Load(f, b + k * ldb + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      const Vec factor = hn::Set(f, kTransposed ? a[k * lda + r] : a[r * lda + k]);
      for (int v = 0; v < kVecs; ++v) sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVecs; ++v) {
      float* to = c + r * ldc + v * lanes;
      hn::Store(add ? hn::Add(sums[r][v], hn::Load(f, to)) : sums[r][v], f, to);
    }
  }
}

using TileFunction = void (*)(const float*, int64_t, const float*, int64_t, int64_t, float*, int64_t, bool);

template <bool kTransposed, int... kShape>
constexpr std::array<TileFunction, sizeof...(kShape)> TilesOfAllShapes(std::integer_sequence<int, kShape...>) {
  return {Tile<kShape / kTileVecs + 1, kShape % kTileVecs + 1, kTransposed>...};
}

// c (rows, vecs) (+)= a (rows, depth) · b (depth, vecs), or aᵀ (depth, rows) · b: see Tile. Rows and columns are split
// evenly, since a narrow tile at the end would wait for its own sums.
template <bool kTransposed = false>
void Multiply(int64_t rows, int64_t vecs, int64_t depth, const float* a, int64_t lda, const float* b, int64_t ldb,
              float* c, int64_t ldc, bool add) {
  static constexpr auto kTiles =
      TilesOfAllShapes<kTransposed>(std::make_integer_sequence<int, kTileRows * kTileVecs>());
  const int64_t lanes = LaneCount(), panels = CeilDiv(vecs, kTileVecs), strips = CeilDiv(rows, kTileRows);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t v = vecs * panel / panels, width = vecs * (panel + 1) / panels - v;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const int64_t r = rows * strip / strips, height = rows * (strip + 1) / strips - r;
      kTiles[static_cast<size_t>((height - 1) * kTileVecs + width - 1)](
          a + (kTransposed ? r : r * lda), lda, b + v * lanes, ldb, depth, c + r * ldc + v * lanes, ldc, add);
    }
  }
}

// out[i, c] = factor·x[i, c], c < d, zeros up to `stride`, a multiple of the lanes. Row i of x begins at x + i·row.
inline void PackRows(const float* x, int64_t row, int64_t n, int64_t d, float factor, float* out, int64_t stride) {
  const F f;
  const int64_t lanes = LaneCount();
  const Vec scale = hn::Set(f, factor);
  for (int64_t i = 0; i < n; ++i, x += row, out += stride) {
    int64_t c = 0;
    for (; c + lanes <= d; c += lanes) hn::Store(hn::Mul(scale, hn::LoadU(f, x + c)), f, out + c);
    if (c < d) hn::Store(hn::Mul(scale, LoadN(x + c, d - c)), f, out + c);
    for (c += lanes; c < stride; c += lanes) hn::Store(hn::Zero(f), f, out + c);
  }
}

// Four floats from each of the rows p, p + 4·row, p + 8·row, …
template <class D>
HWY_INLINE hn::Vec<D> LoadEveryFourthRow(D f, const float* p, int64_t row) {
  if constexpr (hn::MaxLanes(f) == 4) {
    return hn::LoadU(f, p);
  } else {
    const hn::Half<D> half;
    const auto upper = LoadEveryFourthRow(half, p + static_cast<int64_t>(hn::MaxLanes(f) / 2) * row, row);
    return hn::Combine(f, upper, LoadEveryFourthRow(half, p, row));
  }
}

// out[c, i] = x[i, c] for c < d; zeros for i in [n, n rounded up to whole vectors).
inline void PackTransposed(const float* x, int64_t row, int64_t n, int64_t d, float* out, int64_t stride) {
  const F f;
  const hn::Repartition<uint64_t, F> pairs;
  const int64_t lanes = LaneCount();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const float* p = x + i * row;
    int64_t c = 0;
    for (; c + 4 <= d; c += 4) {
      // Block b of r_t holds x[i + 4b + t, c … c+3]: transposing 4×4 blocks gives whole columns.
      const Vec r0 = LoadEveryFourthRow(f, p + c, row), r1 = LoadEveryFourthRow(f, p + c + row, row);
      const Vec r2 = LoadEveryFourthRow(f, p + c + 2 * row, row), r3 = LoadEveryFourthRow(f, p + c + 3 * row, row);
      const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(f, r0, r1));
      const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(f, r2, r3));
      const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(f, r0, r1));
      const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(f, r2, r3));
      float* to = out + c * stride + i;
      hn::Store(hn::BitCast(f, hn::InterleaveLower(pairs, low01, low23)), f, to);
      hn::Store(hn::BitCast(f, hn::InterleaveUpper(pairs, low01, low23)), f, to + stride);
      hn::Store(hn::BitCast(f, hn::InterleaveLower(pairs, high01, high23)), f, to + 2 * stride);
      hn::Store(hn::BitCast(f, hn::InterleaveUpper(pairs, high01, high23)), f, to + 3 * stride);
    }
    for (; c < d; ++c)
      for (int64_t t = 0; t < lanes; ++t) out[c * stride + i + t] = p[t * row + c];
  }
  if (i == n) return;
  for (int64_t c = 0; c < d; ++c) {
    hn::Store(hn::Zero(f), f, out + c * stride + i);
    for (int64_t t = i; t < n; ++t) out[c * stride + t] = x[t * row + c];
  }
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
