#include "tessera/train/trainer.h"

#include "tessera/core/parallel.h"
#include "tessera/train/run.h"

namespace tessera::train {

void check(const TrainJob& job, const TrainOptions& options) {
  check(options);
  TESSERA_CHECK(job.model && job.data.train, "training needs a model and training pictures");
  const auto classes = static_cast<int64_t>(job.data.train->class_names().size());
  TESSERA_CHECK(classes == job.model->num_classes(), "the data has {} classes, but the model tells {} apart", classes,
                job.model->num_classes());
  const models::PictureSize size = job.model->input();
  TESSERA_CHECK(size.height == job.preprocess.height && size.width == job.preprocess.width &&
                    size.channels == job.preprocess.channels,
                "the model takes pictures of {} x {} x {}, but the preprocessing makes them {} x {} x {}", size.height,
                size.width, size.channels, job.preprocess.height, job.preprocess.width, job.preprocess.channels);
  TESSERA_CHECK(!job.teacher || job.teacher->num_classes() == classes,
                "the data has {} classes, but the teacher tells {} apart", classes, job.teacher->num_classes());
  if (options.patience > 0 && !job.data.validation && options.val_fraction == 0)
    fail_usage("patience needs a validation part: give val_fraction a value above 0");
  require_complex(options.loss, job.model->has_complex_logits());
}

namespace {

// What is left to the machine is asked once: a run that goes on has the answer.
TrainOptions settled(const TrainJob& job, const TrainOptions& options) {
  if (options.precision != "auto") return options;
  const std::filesystem::path checkpoint = RunFolder{job.folder}.checkpoint();
  TrainOptions copy = options;
  if (job.resume && exists(checkpoint)) copy.precision = stored_option(checkpoint, "precision");
  if (copy.precision.empty() || copy.precision == "auto") copy.precision = ops::name_of(ops::precision_named("auto"));
  return copy;
}

}  // namespace

RunSummary train(const TrainJob& job, const TrainOptions& options, Observer& observer) {
  check(job, options);
  if (options.threads > 0) set_num_threads(static_cast<int>(options.threads));
  return Run(job, settled(job, options), observer).run();
}

}  // namespace tessera::train
