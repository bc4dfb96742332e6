#include "tessera/core/parallel.h"

#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>
#include <vector>

#include "tessera/core/tensor.h"

namespace tessera {
namespace {

TEST(Parallel, CoversEachItemOnce) {
  const int before = num_threads();
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    for (int64_t n : {0, 1, 7, 64, 1001}) {
      std::vector<int> seen(static_cast<size_t>(n), 0);
      parallel_for(n, 4, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
      });
      EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), n);
    }
  }
  set_num_threads(before);
}

TEST(Parallel, RethrowsWhatAPieceThrew) {
  EXPECT_THROW(parallel_for(100, 1,
                            [](int64_t begin, int64_t) {
                              if (begin > 0 || num_threads() == 1) throw std::runtime_error("piece");
                            }),
               std::runtime_error);
}

TEST(Allocator, HandsAFreedBufferOutAgain) {
  const std::byte* first = Tensor::empty({1000, 100}).raw();
  const size_t fresh = allocator_statistics().fresh;
  EXPECT_EQ(Tensor::empty({1000, 100}).raw(), first);
  EXPECT_EQ(allocator_statistics().fresh, fresh);
}

TEST(Tensor, SharesElementsAndChecksTypes) {
  const Tensor x = Tensor::from({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  x.rows(1, 1).data()[0] = 9;
  EXPECT_EQ(x.data()[3], 9);
  EXPECT_EQ(x.reshape({3, 2}).data(), x.data());
  EXPECT_THROW(x.reshape({4, 2}), Error);
  EXPECT_THROW(x.data<int64_t>(), Error);
  EXPECT_THROW(x.rows(1, 2), Error);
  EXPECT_NE(x.clone().data(), x.data());
}

}  // namespace
}  // namespace tessera
