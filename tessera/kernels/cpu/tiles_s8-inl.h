// Matrix products of bytes inside one thread, where the machine has the instruction for it, four multiply-adds to a
// lane: four times those of floats. It takes one operand without a sign: where both have one, the left is a + 128, and
// sums start at -128·Σ b.
#if defined(TESSERA_KERNELS_CPU_TILES_S8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_KERNELS_CPU_TILES_S8_INL_H_
#undef TESSERA_KERNELS_CPU_TILES_S8_INL_H_
#else
#define TESSERA_KERNELS_CPU_TILES_S8_INL_H_
#endif

#include <cstring>

#include "tessera/kernels/cpu/tiles-inl.h"

#undef TESSERA_S8_TILES
#define TESSERA_S8_TILES (HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2)

#if TESSERA_S8_TILES

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

using I = hn::ScalableTag<int32_t>;
using Words = hn::Vec<I>;

// sum + Σ of the four products in each lane; a without a sign, b with one. Written down, since Highway 1.0 does not
// know the instruction, and no target of its asks the compiler for it.
HWY_INLINE Words Dot(Words sum, Words a, Words b) {
#if HWY_TARGET == HWY_AVX3
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
#else
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(a.raw), "x"(b.raw));
#endif
  return sum;
}

// c[r, v] = start[v] + Σ_k <a[r, 4k … 4k+3], b[k, v]>: bytes of a without a sign, of b with one, four to a lane.
template <int kRows, int kVecs>
void TileS8(const uint8_t* a, int64_t lda, const int32_t* b, int64_t ldb, int64_t depth, const int32_t* start,
            int32_t* c, int64_t ldc) {
  const I i;
  const int64_t lanes = LaneCount();
  Words sums[kRows][kVecs];
  for (int v = 0; v < kVecs; ++v) {
    const Words first = start ? hn::Load(i, start + v * lanes) : hn::Zero(i);
    for (int r = 0; r < kRows; ++r) sums[r][v] = first;
  }
  for (int64_t k = 0; k < depth; ++k) {
    Words row[kVecs];
    for (int v = 0; v < kVecs; ++v) row[v] = hn::Load(i, b + k * ldb + v * lanes);
    for (int r = 0; r < kRows; ++r) {
      int32_t four;
      std::memcpy(&four, a + r * lda + 4 * k, 4);
      const Words factor = hn::Set(i, four);
      for (int v = 0; v < kVecs; ++v) sums[r][v] = Dot(sums[r][v], factor, row[v]);
    }
  }
  for (int r = 0; r < kRows; ++r)
    for (int v = 0; v < kVecs; ++v) hn::Store(sums[r][v], i, c + r * ldc + v * lanes);
}

using TileS8Function = void (*)(const uint8_t*, int64_t, const int32_t*, int64_t, int64_t, const int32_t*, int32_t*,
                                int64_t);

template <int... kShape>
constexpr std::array<TileS8Function, sizeof...(kShape)> S8TilesOfAllShapes(std::integer_sequence<int, kShape...>) {
  return {TileS8<kShape / kTileVecs + 1, kShape % kTileVecs + 1>...};
}

// c (rows, vecs) = start + a (rows, 4·depth) · b (depth, vecs), split evenly as in Multiply.
inline void MultiplyS8(int64_t rows, int64_t vecs, int64_t depth, const uint8_t* a, int64_t lda, const int32_t* b,
                       int64_t ldb, const int32_t* start, int32_t* c, int64_t ldc) {
  static constexpr auto kTiles = S8TilesOfAllShapes(std::make_integer_sequence<int, kTileRows * kTileVecs>());
  const int64_t lanes = LaneCount(), panels = CeilDiv(vecs, kTileVecs), strips = CeilDiv(rows, kTileRows);
  for (int64_t panel = 0; panel < panels; ++panel) {
    const int64_t v = vecs * panel / panels, width = vecs * (panel + 1) / panels - v;
    for (int64_t strip = 0; strip < strips; ++strip) {
      const int64_t r = rows * strip / strips, height = rows * (strip + 1) / strips - r;
      kTiles[static_cast<size_t>((height - 1) * kTileVecs + width - 1)](a + r * lda, lda, b + v * lanes, ldb, depth,
                                                                        start ? start + v * lanes : nullptr,
                                                                        c + r * ldc + v * lanes, ldc);
    }
  }
}

// out = a + 128. The two may be the same place.
HWY_INLINE void RemoveSign(const int8_t* a, int64_t n, uint8_t* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = static_cast<uint8_t>(a[i] ^ -128);
}

// Where the sums of a product with b (n) start.
HWY_INLINE int32_t StartOf(const int8_t* b, int64_t n) {
  int32_t sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += b[i];
  return -128 * sum;
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // TESSERA_S8_TILES

#endif  // per-target include guard
