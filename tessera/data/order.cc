#include "tessera/data/order.h"

#include <numeric>

#include "tessera/core/error.h"

namespace tessera::data {
namespace {

// As many samples as the set has, every class as often as the others (up to one): the small classes come several times,
// of the large ones another part in each epoch.
std::vector<Draw> balanced_order(const DataSet& set, uint64_t seed, uint64_t epoch) {
  auto classes = indices_by_class(set);
  std::erase_if(classes, [](const auto& indices) { return indices.empty(); });
  for (size_t k = 0; k < classes.size(); ++k) shuffle(classes[k], Random(seed, "order/class", epoch, k));
  // Which classes get one more changes with the epoch too.
  std::vector<size_t> turns(classes.size());
  std::iota(turns.begin(), turns.end(), size_t{0});
  shuffle(turns, Random(seed, "order/turns", epoch));
  std::vector<Draw> order(static_cast<size_t>(set.size()));
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& indices = classes[turns[i % turns.size()]];
    const size_t place = i / turns.size();
    order[i] = {indices[place % indices.size()], static_cast<int64_t>(place / indices.size())};
  }
  return order;
}

}  // namespace

void check(const OrderOptions& options) {
  TESSERA_CHECK(options.repeats >= 1, "repeated augmentation: {} repeats, but at least 1 is needed", options.repeats);
  TESSERA_CHECK(options.shuffle || !options.balanced, "balanced sampling needs shuffling");
}

std::vector<Draw> epoch_order(const DataSet& set, const OrderOptions& options, uint64_t seed, int64_t epoch) {
  check(options);
  const uint64_t step = static_cast<uint64_t>(epoch);
  std::vector<Draw> order;
  if (options.balanced) {
    order = balanced_order(set, seed, step);
  } else {
    order.resize(static_cast<size_t>(set.size()));
    for (size_t i = 0; i < order.size(); ++i) order[i].index = static_cast<int64_t>(i);
  }
  if (options.shuffle) shuffle(order, Random(seed, "order", step));
  // Every `repeats` places share a sample; the samples at the end of the order have their turn in another epoch.
  if (options.repeats == 1) return order;
  std::vector<Draw> repeated(order.size());
  const size_t repeats = static_cast<size_t>(options.repeats);
  for (size_t i = 0; i < repeated.size(); ++i) {
    const Draw& draw = order[i / repeats];
    repeated[i] = {draw.index, draw.copy * options.repeats + static_cast<int64_t>(i % repeats)};
  }
  return repeated;
}

std::vector<std::vector<int64_t>> indices_by_class(const DataSet& set) {
  std::vector<std::vector<int64_t>> classes(set.class_names().size());
  for (int64_t i = 0; i < set.size(); ++i) classes[static_cast<size_t>(set.label(i))].push_back(i);
  return classes;
}

}  // namespace tessera::data
