#include "tessera/kernels/matmul.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "tessera/core/parallel.h"
#include "tessera/core/random.h"
#include "tessera/core/tensor.h"
#include "tessera/kernels/cpu/onednn.h"
#include "tests/tensors.h"

namespace tessera::kernels {
namespace {

using test::normal;

// Aᵀ·B, as in the gradient of weights: the long sum is where threads could add up in any order.
Tensor product(const Tensor& a, const Tensor& b) {
  const int64_t K = a.size(0), M = a.size(1), N = b.size(1);
  Tensor c = Tensor::empty({M, N});
  matmul(cpu_context(), {.a = a.data(), .b = b.data(), .c = {c.data()}, .M = M, .N = N, .K = K, .transpose_a = true});
  return c;
}

bool same_bits(const Tensor& a, const Tensor& b) { return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0; }

TEST(Matmul, GivesTheSameBitsEveryTime) {
  const int before = num_threads();
  for (const int64_t N : {1, 48, 200}) {
    const Tensor a = normal({5003, 64}, "a"), b = normal({5003, N}, "b");
    for (int threads = 1; threads <= 4; ++threads) {
      set_num_threads(threads);
      const Tensor first = product(a, b);
      for (int again = 0; again < 8; ++again) EXPECT_TRUE(same_bits(first, product(a, b))) << N << ", " << threads;
    }
  }
  set_num_threads(before);
}

TEST(Matmul, RunsOnSeveralThreadsAtOnce) {
  const Tensor a = normal({700, 96}, "a"), b = normal({700, 600}, "b");
  const Tensor expected = product(a, b);
  std::vector<int> right(4, 0);
  std::vector<std::thread> threads;
  for (int& count : right) {
    threads.emplace_back([&, count = &count] {
      set_num_threads(num_threads());
      for (int i = 0; i < 20; ++i) *count += same_bits(expected, product(a, b));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 20));
}

TEST(Matmul, RefusesToRunInsideAParallelLoop) {
  const int before = num_threads();
  set_num_threads(2);
  const Tensor a = normal({8, 4}, "a"), b = normal({8, 4}, "b");
  EXPECT_THROW(parallel_for(2, 1, [&](int64_t, int64_t) { product(a, b); }), Error);
  set_num_threads(before);
}

TEST(Matmul, RefusesABiasOfASum) {
  float x = 1;
  EXPECT_THROW(matmul(cpu_context(), {.a = &x, .b = &x, .bias = &x, .c = {&x, true}, .M = 1, .N = 1, .K = 1}), Error);
}

TEST(OneDnn, RefusesItsReferenceCode) {
  // A matrix with gaps in both directions is one that no fast implementation takes.
  const dnnl::memory::desc gaps({4, 4}, dnnl::memory::data_type::f32, dnnl::memory::dims{16, 2});
  const dnnl::matmul::primitive_desc slow(dnnl::matmul::desc(gaps, gaps, gaps), onednn::attributes(), onednn::engine());
  try {
    onednn::refuse_reference(slow.impl_info_str(), "the matrix product (4, 4)·(4, 4)");
    FAIL() << slow.impl_info_str();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("(4, 4)·(4, 4)"), std::string::npos) << error.what();
  }
}

TEST(OneDnn, NamesTheShapeOfWhatItCannotDo) {
  onednn::PlanCache<int> plans;
  const auto make = []() -> int { throw dnnl::error(dnnl_unimplemented, "unimplemented"); };
  try {
    plans.get(
        {1}, [] { return std::string("a product of (3, 5)"); }, make);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("(3, 5)"), std::string::npos) << error.what();
  }
}

TEST(OneDnn, MakesAPlanOncePerKeyAndThreadCount) {
  onednn::PlanCache<int> plans;
  int made = 0;
  const auto get = [&](int64_t key) {
    return *plans.get(
        {key}, [] { return ""; }, [&] { return ++made; });
  };
  EXPECT_EQ(get(5), 1);
  EXPECT_EQ(get(6), 2);
  EXPECT_EQ(get(5), 1);
  const int before = num_threads();
  set_num_threads(before + 1);
  EXPECT_EQ(get(5), 3);
  set_num_threads(before);
  EXPECT_EQ(get(5), 1);
}

}  // namespace
}  // namespace tessera::kernels
