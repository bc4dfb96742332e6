// The loader: worker threads turn the samples of a data set into batches of normalised pictures, ahead of the one who
// takes them.
//
// A batch is a pure function of (data set, options, epoch, position): neither the number of threads nor where a run was
// resumed changes a bit. Every sample's augmentation belongs to (seed, epoch, index, copy); mixing belongs to the
// batch.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/core/tensor.h"
#include "tessera/data/data_set.h"
#include "tessera/data/order.h"
#include "tessera/image/augment.h"
#include "tessera/image/mix.h"
#include "tessera/image/preprocess.h"

namespace tessera::data {

struct LoaderOptions {
  int64_t batch = 64;
  int threads = 1;       // workers, at least 1
  int64_t prefetch = 3;  // batches made ahead
  uint64_t seed = 0;
  int64_t epochs = 0;  // after which next() gives nothing more; 0: endless
  OrderOptions order;
  bool drop_last = false;  // leave out an incomplete batch at the end of an epoch
  image::Preprocess preprocess;
  image::Augmentation augmentation;
  image::MixOptions mixing;
  double smoothing = 0;  // of the labels, in `targets`: where pictures are mixed
};

// For evaluation: every sample once, in order, only fitted and normalised.
LoaderOptions evaluation_options(const image::Preprocess& preprocess, int64_t batch, int threads);

struct Batch {
  Tensor images;                 // (B, H, W, C) f32; of sentences (data/sentences.h) words, (B, N) s32
  Tensor labels;                 // (B) i64
  Tensor targets;                // (B, K) f32, smoothed and mixed; undefined unless mixing is on
  std::vector<int64_t> indices;  // (B), into the data set
  int64_t epoch = 0;
  int64_t position = 0;  // of this batch in its epoch

  int64_t size() const { return static_cast<int64_t>(indices.size()); }
};

// A sample that cannot be decoded is replaced by the next of the data set that can, or, where the order is not shuffled
// (evaluation), left out of its batch. When more than 1 % of the samples turned out so, next() throws.
//
// next() and start() are for one thread at a time; the rest may be called from any.
class Loader {
 public:
  // Starts with the first batch of epoch 0. An Error where options or data set cannot be.
  Loader(std::shared_ptr<const DataSet> set, LoaderOptions options);
  ~Loader();  // at any moment
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  // Goes on from there; what was made ahead is thrown away. position may be batches_per_epoch(): the next epoch.
  void start(int64_t epoch, int64_t position = 0);
  // Waits for the next batch. Nothing after the last epoch. Rethrows what went wrong in a worker.
  std::optional<Batch> next();

  int64_t batches_per_epoch() const;
  int64_t pictures_per_epoch() const;  // without what drop_last leaves out

  // What the workers deliver when nobody makes them wait; 0 before the first pictures.
  double pictures_per_second() const;
  // How long next() has waited in all.
  double seconds_waited() const;
  // The errors of samples that could not be decoded, each once.
  std::vector<std::string> corrupt() const;

 private:
  class Workers;
  std::unique_ptr<Workers> workers_;
};

}  // namespace tessera::data
