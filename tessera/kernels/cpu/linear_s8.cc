#include "tessera/kernels/linear_s8.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/kernels/cpu/floats.h"
#include "tessera/kernels/cpu/targets.h"
#include "tessera/kernels/linear.h"
#include "tessera/kernels/profile.h"
#include "tessera/kernels/quantize.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/kernels/cpu/linear_s8.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "tessera/kernels/cpu/activation-inl.h"
#include "tessera/kernels/cpu/quantize-inl.h"
#include "tessera/kernels/cpu/tiles_s8-inl.h"

HWY_BEFORE_NAMESPACE();
namespace tessera::kernels::HWY_NAMESPACE {

#if TESSERA_S8_TILES

// Weights lie in panels, as wide as a tile of the product: where the sums of each output start, then K/4 rows of four
// bytes for each output.
int64_t PanelWidth() { return kTileVecs * LaneCount(); }

void PackPanels(const LinearS8Forward& a, int64_t begin, int64_t end, int32_t* panels) {
  const int64_t width = PanelWidth(), depth = CeilDiv(a.K, 4);
  const Scratch<int8_t> whole(width * 4 * depth);  // rows of whole words
  for (int64_t panel = begin; panel < end; ++panel) {
    int32_t* start = panels + panel * width * (depth + 1);
    std::fill_n(start, width, 0);
    std::fill_n(whole.data(), width * 4 * depth, int8_t{0});
    const int64_t first = panel * width, outputs = std::min(width, a.N - first);
    for (int64_t n = 0; n < outputs; ++n) {
      const int8_t* w = a.w + (first + n) * a.K;
      start[n] = StartOf(w, a.K);
      std::copy_n(w, a.K, whole.data() + n * 4 * depth);
    }
    // Four bytes move like a float.
    PackTransposed(reinterpret_cast<const float*>(whole.data()), depth, outputs, depth,
                   reinterpret_cast<float*>(start + width), width);  // (K/4, outputs)
  }
}

// Rows of x as the product takes them: without a sign, of whole words (4·depth).
void TakeRows(const LinearS8Forward& a, int64_t first, int64_t rows, uint8_t* out, float* scale) {
  const int64_t row = 4 * CeilDiv(a.K, 4);
  for (int64_t r = 0; r < rows; ++r, out += row) {
    const int8_t* q = a.q ? a.q + (first + r) * a.K : reinterpret_cast<int8_t*>(out);
    scale[r] = a.q ? a.q_scale[first + r] : QuantizeRow(a.x + (first + r) * a.K, a.K, reinterpret_cast<int8_t*>(out));
    RemoveSign(q, a.K, out);
    std::fill(out + a.K, out + row, uint8_t{0});  // against zeros of w
  }
}

// Columns of some panels of the sums (rows, stride).
void MultiplyPanels(const LinearS8Forward& a, const int32_t* panels, int64_t begin, int64_t end, const uint8_t* rows,
                    int64_t count, int32_t* sums, int64_t stride) {
  const int64_t width = PanelWidth(), depth = CeilDiv(a.K, 4);
  for (int64_t panel = begin; panel < end; ++panel) {
    const int32_t* start = panels + panel * width * (depth + 1);
    const int64_t outputs = std::min(width, a.N - panel * width);
    MultiplyS8(count, VecsOf(outputs), depth, rows, 4 * depth, start + width, width, start, sums + panel * width,
               stride);
  }
}

#else

int64_t PanelWidth() { return 0; }
void PackPanels(const LinearS8Forward&, int64_t, int64_t, int32_t*) {}
void TakeRows(const LinearS8Forward&, int64_t, int64_t, uint8_t*, float*) {}
void MultiplyPanels(const LinearS8Forward&, const int32_t*, int64_t, int64_t, const uint8_t*, int64_t, int32_t*,
                    int64_t) {}

#endif

// Rows [first, first + rows) of y from sums (rows, stride) and the scales of x. scratch: N floats, where y is to be
// quantised.
template <class Function>
void FinishRowsWith(Function function, const LinearS8Forward& a, int64_t first, int64_t rows, const int32_t* sums,
                    int64_t stride, const float* scale, float* scratch) {
  const F f;
  const hn::RebindToSigned<F> whole;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = (first + r) * a.N;
    const Vec row_scale = hn::Set(f, scale[r]);
    const float* row = reinterpret_cast<const float*>(sums + r * stride);  // bits of int32
    const float* residual = a.residual ? a.residual + at : nullptr;
    StoreOver(a.N, a.y_q ? scratch : a.y + at, false, [&](auto load) {
      const Vec sum = hn::ConvertTo(f, hn::BitCast(whole, load(row)));
      const Vec factor = hn::Mul(row_scale, load(a.w_scale));
      Vec y = function.Value(a.bias ? hn::MulAdd(sum, factor, load(a.bias)) : hn::Mul(sum, factor));
      if (a.scale) y = hn::Mul(y, load(a.scale));
      return residual ? hn::Add(y, load(residual)) : y;
    });
    for (int64_t c = 0; a.y_q && c < a.N; c += a.y_run)
      a.y_scale[(at + c) / a.y_run] = QuantizeRow(scratch + c, a.y_run, a.y_q + at + c);
  }
}

void FinishRows(const LinearS8Forward& a, int64_t first, int64_t rows, const int32_t* sums, int64_t stride,
                const float* scale, float* scratch) {
  const auto finish = [&](auto function) { FinishRowsWith(function, a, first, rows, sums, stride, scale, scratch); };
  if (a.y_q && a.activation == Activation::gelu_erf) return finish(RoughGeluErf());
  With(a.activation, finish);
}

}  // namespace tessera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::kernels {

HWY_EXPORT(PanelWidth);
HWY_EXPORT(PackPanels);
HWY_EXPORT(TakeRows);
HWY_EXPORT(MultiplyPanels);
HWY_EXPORT(FinishRows);

namespace {

int64_t panel_width() { return HWY_DYNAMIC_DISPATCH(PanelWidth)(); }
int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The weights as the product takes them.
class Panels {
 public:
  explicit Panels(const LinearS8Forward& args) : count_((args.N + panel_width() - 1) / panel_width()) {
    constexpr int64_t kPanels = -2;  // a layout that no other product asks for
    const auto pack = [&] {
      const int64_t words = count_ * panel_width() * (round_up(args.K, 4) / 4 + 1);
      auto panels = allocate(static_cast<size_t>(words) * sizeof(int32_t));
      parallel_for(count_, 1, [&](int64_t begin, int64_t end) {
        HWY_DYNAMIC_DISPATCH(PackPanels)(args, begin, end, reinterpret_cast<int32_t*>(panels.get()));
      });
      return panels;
    };
    const std::span bytes(reinterpret_cast<const std::byte*>(args.w), static_cast<size_t>(args.N * args.K));
    const std::byte* panels = args.frozen ? args.frozen->copy(bytes, kPanels, pack) : nullptr;
    if (!panels) panels = (own_ = pack()).get();
    data_ = reinterpret_cast<const int32_t*>(panels);
  }
  const int32_t* data() const { return data_; }
  int64_t count() const { return count_; }

 private:
  int64_t count_;
  std::shared_ptr<std::byte> own_;
  const int32_t* data_;
};

// Some rows on their way from x to y.
class Block {
 public:
  // most: the number of rows that it holds.
  Block(const LinearS8Forward& args, const Panels& panels, int64_t most)
      : args_(args),
        panels_(panels),
        stride_(round_up(args.N, 16)),  // a vector of any target
        x_(most * round_up(args.K, 4)),
        scale_(most),
        sums_(most * stride_),
        scratch_(args.y_q ? args.N : 0) {}

  void take(int64_t first, int64_t rows) {
    first_ = first;
    rows_ = rows;
    HWY_DYNAMIC_DISPATCH(TakeRows)(args_, first, rows, x_.data(), scale_.data());
  }
  void multiply(int64_t begin, int64_t end) {
    HWY_DYNAMIC_DISPATCH(MultiplyPanels)
    (args_, panels_.data(), begin, end, x_.data(), rows_, sums_.data(), stride_);
  }
  void finish() {
    HWY_DYNAMIC_DISPATCH(FinishRows)
    (args_, first_, rows_, sums_.data(), stride_, scale_.data(), scratch_.data());
  }

 private:
  const LinearS8Forward& args_;
  const Panels& panels_;
  const int64_t stride_;
  const Scratch<uint8_t> x_;     // (rows, K)
  const Floats scale_;           // (rows)
  const Scratch<int32_t> sums_;  // (rows, stride)
  const Floats scratch_;
  int64_t first_ = 0, rows_ = 0;
};

// The sums of so many rows stay in the second cache, beside a panel and the rows themselves.
int64_t rows_at_once(int64_t N) { return std::clamp<int64_t>((int64_t{1} << 17) / N, 24, 192); }

void in_whole_numbers(Context& context, const LinearS8Forward& args) {
  const Measured measured(context, [&] {
    const double M = static_cast<double>(args.rows), N = static_cast<double>(args.N), K = static_cast<double>(args.K);
    return Work{fmt::format("linear of s8 ({}, {})·({}, {})", args.rows, args.K, args.K, args.N),
                2 * M * N * K,
                M * K + K * N + 4 * M * N,
                args.rows,
                args.N,
                args.K,
                DType::s8};
  });
  constexpr int64_t kFew = 24;
  const Panels panels(args);
  if (args.rows < kFew * num_threads()) {  // each thread takes some of the outputs
    Block block(args, panels, args.rows);
    block.take(0, args.rows);
    parallel_for(panels.count(), 1, [&](int64_t begin, int64_t end) { block.multiply(begin, end); });
    return block.finish();
  }
  parallel_for(args.rows, kFew, [&](int64_t begin, int64_t end) {  // each thread takes some of the rows, in blocks
    const int64_t rows = end - begin, blocks = (rows + rows_at_once(args.N) - 1) / rows_at_once(args.N);
    Block block(args, panels, (rows + blocks - 1) / blocks);
    for (int64_t b = 0; b < blocks; ++b) {
      const int64_t first = rows * b / blocks;
      block.take(begin + first, rows * (b + 1) / blocks - first);
      block.multiply(0, panels.count());
      block.finish();
    }
  });
}

void in_floats(Context& context, const LinearS8Forward& args) {
  constexpr int64_t kFloats = -1;  // a layout that no other product asks for
  std::shared_ptr<std::byte> holder;
  const auto floats = [&] {
    auto w = allocate(static_cast<size_t>(args.N * args.K) * sizeof(float));
    dequantize_rows(
        context,
        {.q = args.w, .scale = args.w_scale, .x = reinterpret_cast<float*>(w.get()), .rows = args.N, .N = args.K});
    return w;
  };
  const std::span bytes(reinterpret_cast<const std::byte*>(args.w), static_cast<size_t>(args.N * args.K));
  const std::byte* w = args.frozen ? args.frozen->copy(bytes, kFloats, floats) : nullptr;
  if (!w) w = (holder = floats()).get();
  linear_forward(context, {.x = args.x,
                           .w = reinterpret_cast<const float*>(w),
                           .bias = args.bias,
                           .scale = args.scale,
                           .residual = args.residual,
                           .pre = nullptr,
                           .y = args.y,
                           .rows = args.rows,
                           .N = args.N,
                           .K = args.K,
                           .activation = args.activation});
}

#if defined(__x86_64__)
bool has_instruction() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool wide = panel_width() == 64;  // AVX-512
  if (!__get_cpuid_count(7, wide ? 0 : 1, &a, &b, &c, &d)) return false;
  return wide ? c >> 11 & 1 : a >> 4 & 1;  // AVX512_VNNI, AVX_VNNI
}
#else
bool has_instruction() { return false; }
#endif

}  // namespace

bool has_s8_products() { return panel_width() > 0 && has_instruction(); }

void linear_s8_forward(Context& context, const LinearS8Forward& args) {
  if (has_s8_products()) {
    in_whole_numbers(context, args);
  } else {
    TESSERA_CHECK(args.x && args.y, "this machine has no products of whole numbers");
    in_floats(context, args);
  }
}

}  // namespace tessera::kernels
#endif  // HWY_ONCE
