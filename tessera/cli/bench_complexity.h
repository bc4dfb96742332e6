// How the cost of models grows with the picture, counted and measured: global attention, 2(hw)²C for hw patches of
// width C, against attention in windows of M × M patches, 2M²hwC (Liu et al., "Swin Transformer", 2021, eq. 1 and 2).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tessera/report/plot.h"

namespace tessera::cli {

// One model on pictures of one size; all numbers are of one picture.
struct CostAt {
  int64_t size = 0;           // height and width in pixels
  int64_t tokens = 0;         // of the first map of patches
  double macs = 0;            // counted: Model::macs()
  double attention_macs = 0;  // of these, in scores and weighted sums
  double ms = 0;              // measured: the median
  double attention_ms = 0;    // of this, in the kernels of attention
  double gflops = 0;          // 1e9 operations a second, two for each multiply-accumulate that was really made
};

struct CostOfModel {
  std::string name;
  std::vector<CostAt> at;
};

struct ComplexityOptions {
  std::vector<std::string> models;
  std::vector<int64_t> sizes;
  int64_t batch = 1;
  double seconds = 1;  // of measuring, for each model and size
};

// told: after each result, of all that there are.
std::vector<CostOfModel> measure_complexity(const ComplexityOptions& options,
                                            const std::function<void(const std::vector<CostOfModel>&)>& told);

// The exponent of y in the pixels of the picture, over all sizes: the slope of a straight line through the logarithms,
// by least squares. 1: in proportion, 2: squared; not finite where fewer than two sizes have any y.
double growth(const CostOfModel& model, double CostAt::*y);

std::string complexity_csv(const std::vector<CostOfModel>& models);
// Whole models, and their attention alone: what was measured as points, what was counted as lines, at the rate of the
// largest size.
std::string complexity_svg(const std::vector<CostOfModel>& models);

// Writes FILE.csv and FILE.svg, after each result, and prints a table, or a line of JSON.
void bench_complexity(const ComplexityOptions& options, const std::filesystem::path& out, bool json);

}  // namespace tessera::cli
