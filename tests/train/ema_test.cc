#include "tessera/train/ema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tests/support.h"

namespace tessera::train {
namespace {

TEST(Ema, DecayOfEachUpdateIsTimms) {
  const auto ema = nlohmann::json::parse(read_text(test::golden_path("train/trajectory/case.json")))["ema"];
  const auto decays = ema["warm_up_decay_of_update"].get<std::vector<double>>();
  for (size_t i = 0; i < decays.size(); ++i)
    EXPECT_NEAR(ema_decay({.decay = ema["decay"], .warm_up = true}, static_cast<int64_t>(i) + 1), decays[i], 1e-15);
}

TEST(Ema, StartsAsACopyAndFollows) {
  Tensor values = Tensor::full({100003}, 3.1f);
  Ema ema({.decay = 0.75, .warm_up = false}, values);
  ema.update(values.data(), 0, values.numel(), 1);
  EXPECT_EQ(ema.average().data()[100002], 3.1f);
  values = Tensor::full({100003}, 7.1f);
  ema.update(values.data(), 0, values.numel(), 2);
  for (float v : ema.average().span()) ASSERT_FLOAT_EQ(v, 4.1f);
}

}  // namespace
}  // namespace tessera::train
