#include "tessera/data/selection.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/data/order.h"
#include "tessera/data/split.h"

namespace tessera::data {
namespace {

// Samples of some classes, which become the labels 0, 1, … of the names given.
class OfClasses final : public DataSet {
 public:
  // chosen: labels of the base, in ascending order.
  OfClasses(const std::shared_ptr<const DataSet>& base, const std::vector<int64_t>& chosen)
      : samples_(base, samples_of(*base, chosen)), labels_(base->class_names().size(), 0) {
    for (size_t k = 0; k < chosen.size(); ++k) {
      labels_[static_cast<size_t>(chosen[k])] = static_cast<int64_t>(k);
      names_.push_back(base->class_names()[static_cast<size_t>(chosen[k])]);
    }
  }

  int64_t size() const override { return samples_.size(); }
  Sample get(int64_t index) const override { return relabelled(samples_.get(index)); }
  Sample get_part(int64_t index, const image::Need& need) const override {
    return relabelled(samples_.get_part(index, need));
  }
  int64_t label(int64_t index) const override { return labels_[static_cast<size_t>(samples_.label(index))]; }
  const std::vector<std::string>& class_names() const override { return names_; }
  PictureShape picture_shape() const override { return samples_.picture_shape(); }
  std::string name_of(int64_t index) const override { return samples_.name_of(index); }
  std::optional<image::Rectangle> box(int64_t index) const override { return samples_.box(index); }

 private:
  static std::vector<int64_t> samples_of(const DataSet& base, const std::vector<int64_t>& chosen) {
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < base.size(); ++i) {
      if (std::binary_search(chosen.begin(), chosen.end(), base.label(i))) indices.push_back(i);
    }
    return indices;
  }
  Sample relabelled(Sample sample) const {
    sample.label = labels_[static_cast<size_t>(sample.label)];
    return sample;
  }

  Subset samples_;
  std::vector<int64_t> labels_;  // here, of each label there
  std::vector<std::string> names_;
};

// The labels that the user's texts name, in ascending order.
std::vector<int64_t> labels_of(const std::vector<std::string>& texts, const std::vector<std::string>& names) {
  std::vector<int64_t> labels;
  const auto add = [&](const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::string near = did_you_mean(name, names);
      fail_usage("the data has no class '{}'{}", name, near.empty() ? "; it has " + list_some(names, 12) : near);
    }
    labels.push_back(found - names.begin());
  };
  for (const std::string& text : texts) {
    const bool whole = std::find(names.begin(), names.end(), text) != names.end();
    for (const std::string& name : whole ? std::vector<std::string>{text} : split(text, ',')) add(name);
  }
  std::sort(labels.begin(), labels.end());
  labels.erase(std::unique(labels.begin(), labels.end()), labels.end());
  return labels;
}

// How many of `count` pictures of a class are kept.
int64_t kept_of(int64_t count, const Selection& selection) {
  const int64_t share = std::max<int64_t>(1, std::llround(selection.share * static_cast<double>(count)));
  return std::min({count, share, selection.per_class > 0 ? selection.per_class : count});
}

std::shared_ptr<const DataSet> few_of_each(const std::shared_ptr<const DataSet>& base, const Selection& selection,
                                           uint64_t seed) {
  std::vector<int64_t> kept;
  const auto classes = indices_by_class(*base);
  for (size_t k = 0; k < classes.size(); ++k) {
    std::vector<int64_t> indices = classes[k];
    shuffle(indices, Random(seed, "per class/" + base->class_names()[k]));
    std::copy_n(indices.begin(), kept_of(std::ssize(indices), selection), std::back_inserter(kept));
  }
  std::sort(kept.begin(), kept.end());
  return std::make_shared<Subset>(base, std::move(kept));
}

std::string described(const DataSets& sets) {
  std::vector<std::string> counts;
  const std::vector<std::string>* names = nullptr;
  for (const auto& [role, set] :
       {std::pair{"training", sets.train}, std::pair{"validation", sets.validation}, std::pair{"test", sets.test}}) {
    if (!set) continue;
    counts.push_back(fmt::format("{} {} pictures", set->size(), role));
    names = &set->class_names();
  }
  return fmt::format("{} of {} of its classes ({})", list_some(counts), names->size(), list_some(*names));
}

}  // namespace

DataSets select(DataSets sets, const Selection& selection, uint64_t seed) {
  TESSERA_CHECK(selection.share > 0 && selection.share <= 1,
                "the share of the training pictures must be above 0 and at "
                "most 1, not {}",
                selection.share);
  const bool fewer = selection.per_class > 0 || selection.share < 1;
  if (selection.classes.empty() && !fewer) return sets;
  for (auto* part : {&sets.train, &sets.validation, &sets.test}) {
    if (!*part || selection.classes.empty()) continue;
    *part = std::make_shared<OfClasses>(*part, labels_of(selection.classes, (*part)->class_names()));
  }
  if (sets.train && fewer) sets.train = few_of_each(sets.train, selection, seed);
  sets.what += "; chosen: " + described(sets);
  return sets;
}

}  // namespace tessera::data
