#include "tessera/train/metrics.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/core/file.h"
#include "tessera/formats/npz.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

using nlohmann::json;

TEST(Metrics, EqualScikitLearns) {
  const json all = json::parse(read_text(test::golden_path("train/metrics.json")));
  const auto arrays = formats::read_npz(test::golden_path("train/metrics.npz"));
  ASSERT_EQ(all["cases"].size(), 3u);
  for (const json& c : all["cases"]) {
    std::string set = c["set"];
    SCOPED_TRACE(set);
    std::replace(set.begin(), set.end(), ' ', '_');
    const std::vector<double> logits = formats::to_f64(formats::at(arrays, set + ".logits"));
    const std::vector<int64_t> labels = formats::to_i64(formats::at(arrays, set + ".labels"));
    const int64_t K = c["classes"];
    Metrics metrics(K);
    for (size_t begin = 0; begin < labels.size(); begin += 64) {  // a last batch of another size
      const size_t count = std::min<size_t>(64, labels.size() - begin);
      metrics.add(std::span(logits).subspan(begin * static_cast<size_t>(K), count * static_cast<size_t>(K)),
                  std::span(labels).subspan(begin, count));
    }
    const auto n = static_cast<double>(metrics.count());
    EXPECT_EQ(metrics.count(), c["samples"].get<int64_t>());
    for (int k : {1, 3, 5})
      EXPECT_EQ(std::lround(metrics.top(k) * n), c["top_k_correct"][std::to_string(k)]["lowest_index_wins"].get<int>());
    EXPECT_DOUBLE_EQ(metrics.accuracy(), c["accuracy"]);
    EXPECT_NEAR(metrics.loss(), c["nll"], 1e-13);
    EXPECT_DOUBLE_EQ(metrics.macro_f1(), c["macro_f1_all_classes"]);
    EXPECT_DOUBLE_EQ(metrics.macro_f1_occurring(), c["macro_f1_sklearn_default"]);
    EXPECT_DOUBLE_EQ(metrics.weighted_f1(), c["weighted_f1"]);
    EXPECT_DOUBLE_EQ(metrics.balanced_accuracy(), c["balanced_accuracy_over_classes_that_occur"]);
    const std::vector<ClassScore> scores = metrics.per_class();
    for (size_t i = 0; i < scores.size(); ++i) {
      EXPECT_DOUBLE_EQ(scores[i].precision(), c["precision"][i]);
      EXPECT_DOUBLE_EQ(scores[i].recall(), c["recall"][i]);
      EXPECT_DOUBLE_EQ(scores[i].f1(), c["f1"][i]);
      EXPECT_EQ(scores[i].support, c["support"][i].get<int64_t>());
      if (!c["per_class_accuracy"][i].is_null()) {
        EXPECT_DOUBLE_EQ(scores[i].recall(), c["per_class_accuracy"][i]);
      }
      for (size_t j = 0; j < scores.size(); ++j)
        EXPECT_EQ(metrics.confusion()[i * scores.size() + j],
                  c["confusion_rows_true_columns_predicted"][i][j].get<int64_t>());
    }
  }
}

TEST(Metrics, AreZeroOfNothingAndRefuseNonsense) {
  Metrics metrics(3);
  EXPECT_EQ(metrics.accuracy(), 0);
  EXPECT_EQ(metrics.loss(), 0);
  const std::vector<float> logits = {1, 2, 3};
  EXPECT_THROW(metrics.add(logits, std::vector<int64_t>{3}), Error);
  EXPECT_THROW(metrics.add(logits, std::vector<int64_t>{0, 1}), Error);
  EXPECT_THROW(metrics.add(std::vector<float>{1, NAN, 2}, std::vector<int64_t>{0}), Error);
  metrics.add(logits, std::vector<int64_t>{0});
  EXPECT_EQ(metrics.top(3), 1);
  EXPECT_EQ(metrics.top(5), 1);  // there are three classes only
}

}  // namespace
}  // namespace tessera::train
