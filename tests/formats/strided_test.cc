#include "tessera/formats/strided.h"

#include <gtest/gtest.h>

#include <numeric>

namespace tessera::formats {
namespace {

// Every element is where its index and the strides say.
template <class T>
void check(const Shape& shape, const std::vector<int64_t>& strides) {
  std::vector<T> source(4000);
  std::iota(source.begin(), source.end(), T{});
  std::vector<T> got(static_cast<size_t>(shape.numel()), T{99});
  copy_strided(reinterpret_cast<const std::byte*>(source.data()), sizeof(T), shape, strides,
               reinterpret_cast<std::byte*>(got.data()));
  for (size_t i = 0; i < got.size(); ++i) {
    int64_t rest = static_cast<int64_t>(i), from = 0;
    for (int axis = shape.rank() - 1; axis >= 0; rest /= shape[axis--])
      from += rest % shape[axis] * strides[static_cast<size_t>(axis)];
    ASSERT_EQ(got[i], source[static_cast<size_t>(from)]) << to_string(shape) << " at " << i;
  }
}

TEST(Strided, EveryElementIsFound) {
  const std::pair<Shape, std::vector<int64_t>> cases[] = {
      {{}, {}},
      {{5}, {3}},
      {{5}, {0}},
      {{37, 41}, {1, 37}},
      {{37, 41}, {41, 1}},
      {{16, 16}, {1, 16}},
      {{3, 4, 5}, {1, 3, 12}},
      {{3, 4, 5}, {5, 15, 1}},
      {{2, 3, 4, 5}, {60, 1, 15, 3}},
      {{2, 3, 4, 5}, {1, 40, 10, 2}},
      {{4, 3}, {0, 1}},
      {{4, 3}, {1, 0}},
      {{5, 4}, {1, 1}},
      {{1, 7, 1, 3}, {0, 3, 0, 1}},
      {{0, 3}, {3, 1}},
      {{3, 0}, {1, 1}},
  };
  for (const auto& [shape, strides] : cases) {
    check<uint8_t>(shape, strides);
    check<uint16_t>(shape, strides);
    check<uint32_t>(shape, strides);
    check<uint64_t>(shape, strides);
  }
}

TEST(Strided, OrdersAreKnown) {
  EXPECT_EQ(row_major_strides({2, 3, 4}), (std::vector<int64_t>{12, 4, 1}));
  EXPECT_EQ(column_major_strides({2, 3, 4}), (std::vector<int64_t>{1, 2, 6}));
  EXPECT_TRUE(is_row_major({2, 3}, std::vector<int64_t>{3, 1}));
  EXPECT_TRUE(is_row_major({2, 1, 3}, std::vector<int64_t>{3, 77, 1}));
  EXPECT_FALSE(is_row_major({2, 3}, std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(is_row_major({2, 3}, std::vector<int64_t>{4, 1}));
  EXPECT_TRUE(is_row_major({}, {}));
}

}  // namespace
}  // namespace tessera::formats
