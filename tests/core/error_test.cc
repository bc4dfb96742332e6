#include "tessera/core/error.h"

#include <gtest/gtest.h>

#include "tessera/core/shape.h"

namespace tessera {
namespace {

TEST(Error, CheckThrowsTheFormattedSentence) {
  const Shape shape{2, 3};
  try {
    TESSERA_CHECK(shape.rank() == 3, "linear: x must have rank 3, but its shape is {}", to_string(shape));
    FAIL() << "no exception";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "linear: x must have rank 3, but its shape is (2, 3)");
  }
}

TEST(Shape, CountsElementsAndIndexesFromBothEnds) {
  const Shape shape{2, 3, 5};
  EXPECT_EQ(shape.numel(), 30);
  EXPECT_EQ(shape[0], 2);
  EXPECT_EQ(shape[-1], 5);
  EXPECT_EQ(Shape{}.numel(), 1);
}

}  // namespace
}  // namespace tessera
