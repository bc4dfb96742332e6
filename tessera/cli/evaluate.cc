#include "tessera/cli/evaluate.h"

#include <fmt/core.h>

#include "tessera/core/error.h"
#include "tessera/core/parallel.h"
#include "tessera/data/batches.h"
#include "tessera/report/progress.h"
#include "tessera/train/evaluate.h"

namespace tessera::cli {

void check_classes(int64_t classes, const std::vector<std::string>& names, const std::string& model,
                   const data::DataSet& set, const std::string& data) {
  const std::vector<std::string>& theirs = set.class_names();
  TESSERA_CHECK(classes == std::ssize(theirs), "{} has {} classes, but the data set {} has {}", model, classes, data,
                theirs.size());
  for (size_t k = 0; k < names.size(); ++k)
    TESSERA_CHECK(names[k] == theirs[k], "class {} of {} is '{}', but of the data set {} it is '{}'", k, model,
                  names[k], data, theirs[k]);
}

Evaluation evaluate(const infer::Classifier& classifier, const std::shared_ptr<const data::DataSet>& set,
                    const EvaluateOptions& options) {
  Evaluation result{train::Metrics(classifier.num_classes()), {}};
  const bool live = report::is_terminal(stderr);
  data::Loader loader(set, data::evaluation_options(classifier.preprocess(), options.batch, num_threads()));
  while (const auto examples = loader.next()) {
    if (examples->size() == 0) continue;
    const auto answer = [&](const Tensor& images) { return classifier.logits(images); };
    const Tensor logits = options.flip ? train::mean_with_mirrored(answer, examples->images) : answer(examples->images);
    const auto labels = examples->labels.span<int64_t>();
    result.metrics.add(logits.span(), labels);
    if (options.keep_logits) {
      result.logits.insert(result.logits.end(), logits.span().begin(), logits.span().end());
      result.labels.insert(result.labels.end(), labels.begin(), labels.end());
    }
    if (live) fmt::print(stderr, "\r{} of {} pictures", result.metrics.count(), set->size());
  }
  if (live) fmt::print(stderr, "\r\x1b[K");
  result.unreadable = loader.corrupt();
  TESSERA_CHECK(result.metrics.count() > 0, "none of the {} pictures could be read", set->size());
  return result;
}

}  // namespace tessera::cli
