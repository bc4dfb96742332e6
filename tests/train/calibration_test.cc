#include "tessera/train/calibration.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/npz.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

TEST(Calibration, EqualsTheReference) {
  const json all = json::parse(read_text(test::golden_path("train/metrics.json")));
  const auto arrays = formats::read_npz(test::golden_path("train/metrics.npz"));
  int compared = 0;
  for (const json& c : all["cases"]) {
    std::string set = c["set"];
    SCOPED_TRACE(set);
    std::replace(set.begin(), set.end(), ' ', '_');
    const std::vector<double> logits = formats::to_f64(formats::at(arrays, set + ".logits"));
    const std::vector<int64_t> labels = formats::to_i64(formats::at(arrays, set + ".labels"));
    const int64_t K = c["classes"];
    const Calibration plain = calibration(logits, labels, K);
    EXPECT_NEAR(plain.loss, c["nll"], 1e-13);
    EXPECT_NEAR(plain.brier, c["brier_sum_over_classes"], 1e-13);
    EXPECT_NEAR(plain.ece, c["ece_15"], 1e-13);
    EXPECT_NEAR(plain.mce, c["mce_15"], 1e-13);
    ASSERT_EQ(plain.bins.size(), c["bins"].size());
    for (size_t i = 0; i < plain.bins.size(); ++i) {
      EXPECT_EQ(plain.bins[i].count, c["bins"][i]["count"].get<int64_t>());
      if (plain.bins[i].count == 0) continue;
      EXPECT_NEAR(plain.bins[i].accuracy, c["bins"][i]["accuracy"], 1e-13);
      EXPECT_NEAR(plain.bins[i].confidence, c["bins"][i]["confidence"], 1e-13);
    }
    const json& scaled = c["temperature"];
    const double T = best_temperature(logits, labels, K);
    EXPECT_NEAR(T, scaled["T"].get<double>(), 1e-5 * T);  // the minimum is flat
    const Calibration cooled = calibration(logits, labels, K, scaled["T"].get<double>());
    EXPECT_NEAR(cooled.loss, scaled["nll"], 1e-13);
    EXPECT_NEAR(cooled.ece, scaled["ece_15"], 1e-13);
    EXPECT_LE(calibration(logits, labels, K, T).loss, cooled.loss + 1e-13);
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

// Where every answer is right, one so low that nothing of the loss is left; where every one is wrong, the highest.
TEST(Calibration, ATemperatureHasEnds) {
  const std::vector<float> logits = {3, 0, 0, 2};
  EXPECT_LT(best_temperature(logits, std::vector<int64_t>{0, 1}, 2), 0.05);
  EXPECT_NEAR(best_temperature(logits, std::vector<int64_t>{1, 0}, 2), 1e3, 100);
  EXPECT_THROW(calibration(logits, std::vector<int64_t>{0}, 2), Error);
}

}  // namespace
}  // namespace tessera::train
