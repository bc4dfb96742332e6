// Parallel loops on the one thread pool of the process: OpenMP's, which oneDNN uses too.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>

namespace tessera {

// The number of threads that parallel loops and oneDNN use. Starts as OMP_NUM_THREADS or the number of cores.
int num_threads();
void set_num_threads(int threads);

// Calls body(begin, end) on pieces of [0, n) that cover it once. A piece holds at least `grain` items, so that small
// work stays on the calling thread. The split depends on n, grain and num_threads() alone: same thread count, same
// bits. An exception in a piece is rethrown here. Inside a parallel region it runs on the calling thread.
void parallel_for(int64_t n, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

// The same with the index of the piece in [0, pieces), for partial sums that are added in order afterwards.
// `pieces` is parallel_pieces(n, grain).
int parallel_pieces(int64_t n, int64_t grain);
void parallel_for_pieces(int64_t n, int64_t grain,
                         const std::function<void(int piece, int64_t begin, int64_t end)>& body);

// True inside a parallel loop. oneDNN primitives must not run there: they would use one thread.
bool in_parallel();

}  // namespace tessera
