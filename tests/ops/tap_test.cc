#include "tessera/ops/tap.h"

#include <gtest/gtest.h>

#include <thread>

namespace tessera::ops {
namespace {

TEST(Taps, KeepWhatIsWantedWhileTheyLive) {
  EXPECT_FALSE(tapped("a"));
  {
    const Taps taps([](const std::string& name) { return name != "b"; });
    EXPECT_TRUE(tapped("a"));
    EXPECT_FALSE(tapped("b"));
    tap("a", Tensor::full({1}, 1));
    tap("a", Tensor::full({1}, 2));  // the last one offered stays
    tap("b", Tensor::full({1}, 3));
    EXPECT_EQ(taps.values().size(), 1u);
    EXPECT_EQ(taps.at("a").item(), 2);
  }
  EXPECT_FALSE(tapped("a"));
  tap("a", Tensor::full({1}, 4));  // nobody listens
}

TEST(Taps, NameWhatWasOfferedWhereAValueIsMissing) {
  const Taps taps;
  tap("blocks.0", Tensor::full({1}, 1));
  try {
    taps.at("blocks.1");
    FAIL() << "nothing was offered as blocks.1";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("blocks.0"), std::string::npos) << error.what();
  }
}

TEST(Taps, BelongToTheirThread) {
  const Taps taps;
  bool elsewhere = true;
  std::thread([&] { elsewhere = tapped("a"); }).join();
  EXPECT_FALSE(elsewhere);
}

}  // namespace
}  // namespace tessera::ops
