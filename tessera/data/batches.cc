#include "tessera/data/batches.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "tessera/core/error.h"
#include "tessera/data/sample_maker.h"

namespace tessera::data {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPiece = 16;  // samples that a worker takes at once, at most

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// A batch in the making.
struct Pending {
  Batch batch;
  std::shared_ptr<const std::vector<Draw>> order;  // of its epoch
  int64_t first = 0;                               // of its samples in the order
  int64_t size = 0;                                // samples of the batch, before any is left out
  int64_t taken = 0;                               // samples handed to workers; the rest of the counters likewise
  int64_t done = 0;
  bool ready = false;
  std::vector<char> missing;  // (B), samples that cannot be decoded; a worker writes those it took
  std::exception_ptr error;
};

}  // namespace

// What the threads share. The mutex guards everything but a Pending's tensors: a worker writes the rows it took, and
// the last one to be done finishes the batch.
class Loader::Workers {
 public:
  Workers(std::shared_ptr<const DataSet> set, LoaderOptions options)
      : set_(std::move(set)),
        options_(std::move(options)),
        maker_(set_, options_.preprocess, options_.augmentation, options_.seed),
        mix_key_(random_key(options_.seed, "augment/mix")),
        classes_(static_cast<int64_t>(set_->class_names().size())) {
    for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
  }

  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  const DataSet& set() const { return *set_; }
  const LoaderOptions& options() const { return options_; }

  int64_t batches_per_epoch() const {
    const int64_t size = set_->size(), batch = options_.batch;
    return options_.drop_last ? size / batch : (size + batch - 1) / batch;
  }

  void start(int64_t epoch, int64_t position) {
    {
      const std::lock_guard lock(mutex_);
      pending_.clear();  // workers that are at it keep their share alive
      epoch_ = position == batches_per_epoch() ? epoch + 1 : epoch;
      position_ = position == batches_per_epoch() ? 0 : position;
    }
    work_.notify_all();
  }

  std::optional<Batch> next() {
    Clock::time_point start = Clock::now();
    std::unique_lock lock(mutex_);
    for (;;) {
      ready_.wait(lock, [this] { return pending_.empty() ? ended() : pending_.front()->ready; });
      waited_ += seconds_since(start);
      start = Clock::now();
      if (pending_.empty()) return std::nullopt;
      const std::shared_ptr<Pending> front = pending_.front();
      pending_.pop_front();
      work_.notify_all();
      if (front->error) std::rethrow_exception(front->error);
      if (front->batch.size() > 0) return std::move(front->batch);
    }
  }

  double pictures_per_second() const {
    const std::lock_guard lock(mutex_);
    return busy_ > 0 ? static_cast<double>(made_) * options_.threads / busy_ : 0;
  }

  double seconds_waited() const {
    const std::lock_guard lock(mutex_);
    return waited_;
  }

  std::vector<std::string> corrupt() const { return maker_.corrupt(); }

 private:
  bool ended() const { return options_.epochs > 0 && epoch_ >= options_.epochs; }
  bool mixes() const { return options_.mixing.mixup > 0 || options_.mixing.cutmix > 0; }

  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      work_.wait(lock, [this] { return stopping_ || has_work(); });
      if (stopping_) return;
      if (!has_samples()) begin_batch();
      if (!has_samples()) continue;  // that went wrong, and next() will say so
      const std::shared_ptr<Pending> pending = pending_.back();
      const int64_t size = pending->size, begin = pending->taken, end = std::min(size, begin + piece());
      pending->taken = end;
      lock.unlock();
      const Clock::time_point start = Clock::now();
      std::exception_ptr error = attempt([&] {
        for (int64_t i = begin; i < end; ++i) make(*pending, i);
      });
      lock.lock();
      if (error) pending->error = error;
      pending->done += end - begin;
      if (pending->done == size) {
        lock.unlock();
        if (!pending->error) error = attempt([&] { finish(*pending); });
        lock.lock();
        if (error) pending->error = error;
        pending->ready = true;
        ready_.notify_all();
      }
      busy_ += seconds_since(start);
      made_ += end - begin;
    }
  }

  template <class Work>
  static std::exception_ptr attempt(const Work& work) {
    try {
      work();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  // Samples of the batch that was begun last, or leave to begin another.
  bool has_samples() const { return !pending_.empty() && pending_.back()->taken < pending_.back()->size; }
  bool has_work() const {
    return has_samples() || (static_cast<int64_t>(pending_.size()) < options_.prefetch && !ended());
  }

  // Small enough that all workers share a batch.
  int64_t piece() const {
    const int64_t shares = 4 * options_.threads;
    return std::clamp<int64_t>(options_.batch / shares, 1, kPiece);
  }

  void begin_batch() {
    auto pending = std::make_shared<Pending>();
    pending->error = attempt([&] { plan(*pending); });
    pending->ready = pending->error != nullptr;
    if (pending->ready) ready_.notify_all();
    pending_.push_back(std::move(pending));
    if (++position_ == batches_per_epoch()) {
      ++epoch_;
      position_ = 0;
    }
  }

  // Which samples the batch will have, and room for them.
  void plan(Pending& pending) {
    if (!order_ || order_epoch_ != epoch_) {
      order_ = std::make_shared<const std::vector<Draw>>(epoch_order(*set_, options_.order, options_.seed, epoch_));
      order_epoch_ = epoch_;
    }
    pending.order = order_;
    pending.first = position_ * options_.batch;
    const int64_t size = std::min(options_.batch, set_->size() - pending.first);
    const image::Preprocess& input = options_.preprocess;
    Batch& batch = pending.batch;
    batch.images = Tensor::empty({size, input.height, input.width, input.channels});
    batch.labels = Tensor::empty({size}, DType::i64);
    if (mixes()) batch.targets = Tensor::empty({size, classes_});
    batch.epoch = epoch_;
    batch.position = position_;
    pending.missing.resize(static_cast<size_t>(size));
    batch.indices.resize(static_cast<size_t>(size));
    pending.size = size;  // last: none of them where something above went wrong
  }

  // Sample i of a batch.
  void make(Pending& pending, int64_t i) {
    Batch& batch = pending.batch;
    const Draw draw = (*pending.order)[static_cast<size_t>(pending.first + i)];
    float* pixels = batch.images.data() + i * batch.images.numel() / batch.size();  // (H, W, C)
    int64_t index = draw.index;
    while (!maker_.make(index, draw.copy, batch.epoch, pixels)) {  // ends: it throws when too many fail
      if (!options_.order.shuffle) {
        pending.missing[static_cast<size_t>(i)] = 1;
        return;
      }
      index = (index + 1) % set_->size();
    }
    batch.labels.data<int64_t>()[i] = set_->label(index);
    batch.indices[static_cast<size_t>(i)] = index;
  }

  // When all samples of a batch are there.
  void finish(Pending& pending) {
    Batch& batch = pending.batch;
    close_gaps(pending);
    if (!mixes() || batch.size() == 0) return;
    Random random(mix_key_, static_cast<uint64_t>(batch.epoch), static_cast<uint64_t>(batch.position));
    const int64_t height = batch.images.size(1), width = batch.images.size(2), channels = batch.images.size(3);
    const image::Mix mix = image::draw_mix(options_.mixing, height, width, random);
    image::mix_pixels(mix, batch.images.data(), batch.size(), height, width, channels);
    image::mix_targets(mix, batch.labels.span<int64_t>(), classes_, options_.smoothing, batch.targets.data());
  }

  // Leaves out the samples that are missing.
  static void close_gaps(Pending& pending) {
    Batch& batch = pending.batch;
    const int64_t size = batch.size();
    const auto row = batch.images.bytes() / static_cast<size_t>(size);
    int64_t kept = 0;
    for (int64_t i = 0; i < size; ++i) {
      if (pending.missing[static_cast<size_t>(i)]) continue;
      if (kept < i) {
        std::memcpy(batch.images.raw() + kept * static_cast<int64_t>(row),
                    batch.images.raw() + i * static_cast<int64_t>(row), row);
        batch.labels.data<int64_t>()[kept] = batch.labels.data<int64_t>()[i];
        batch.indices[static_cast<size_t>(kept)] = batch.indices[static_cast<size_t>(i)];
      }
      ++kept;
    }
    if (kept == size) return;
    batch.images = batch.images.rows(0, kept);
    batch.labels = batch.labels.rows(0, kept);
    if (batch.targets) batch.targets = batch.targets.rows(0, kept);
    batch.indices.resize(static_cast<size_t>(kept));
  }

  const std::shared_ptr<const DataSet> set_;
  const LoaderOptions options_;
  SampleMaker maker_;
  const uint64_t mix_key_;
  const int64_t classes_;

  mutable std::mutex mutex_;
  std::condition_variable work_, ready_;  // for workers; for next()
  bool stopping_ = false;
  std::deque<std::shared_ptr<Pending>> pending_;  // in the order of delivery
  int64_t epoch_ = 0, position_ = 0;              // of the batch to begin next
  std::shared_ptr<const std::vector<Draw>> order_;
  int64_t order_epoch_ = 0;
  double busy_ = 0, waited_ = 0;  // seconds
  int64_t made_ = 0;

  std::vector<std::thread> threads_;  // not to be read by the threads themselves: it fills while they start
};

LoaderOptions evaluation_options(const image::Preprocess& preprocess, int64_t batch, int threads) {
  LoaderOptions options;
  options.batch = batch;
  options.threads = threads;
  options.epochs = 1;
  options.order.shuffle = false;
  options.preprocess = preprocess;
  return options;
}

Loader::Loader(std::shared_ptr<const DataSet> set, LoaderOptions options) {
  TESSERA_CHECK(set && set->size() > 0, "loader: the data set is empty");
  TESSERA_CHECK(options.batch >= 1, "loader: a batch of {} pictures, but at least 1 is needed", options.batch);
  TESSERA_CHECK(options.threads >= 1, "loader: {} threads, but at least 1 is needed", options.threads);
  TESSERA_CHECK(options.prefetch >= 1, "loader: {} batches ahead, but at least 1 is needed", options.prefetch);
  TESSERA_CHECK(!options.drop_last || options.batch <= set->size(),
                "loader: a batch of {} pictures, but there are only {}; make the batch smaller", options.batch,
                set->size());
  check(options.order);
  workers_ = std::make_unique<Workers>(std::move(set), std::move(options));
}

Loader::~Loader() = default;

void Loader::start(int64_t epoch, int64_t position) {
  TESSERA_CHECK(epoch >= 0 && position >= 0 && position <= batches_per_epoch(),
                "loader: cannot start with batch {} of epoch {}: an epoch has {}", position, epoch,
                batches_per_epoch());
  workers_->start(epoch, position);
}

std::optional<Batch> Loader::next() { return workers_->next(); }
int64_t Loader::batches_per_epoch() const { return workers_->batches_per_epoch(); }
int64_t Loader::pictures_per_epoch() const {
  return std::min(workers_->set().size(), batches_per_epoch() * workers_->options().batch);
}
double Loader::pictures_per_second() const { return workers_->pictures_per_second(); }
double Loader::seconds_waited() const { return workers_->seconds_waited(); }
std::vector<std::string> Loader::corrupt() const { return workers_->corrupt(); }

}  // namespace tessera::data
