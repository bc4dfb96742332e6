// Defines a Vision Transformer, trains it on the built-in pictures for a few steps, saves it, and saves one picture:
//   define_and_train run picture.png
#include <cstdio>
#include <exception>

#include "tessera/core/file.h"
#include "tessera/data/open.h"
#include "tessera/image/encode_png.h"
#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/train/trainer.h"

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::fprintf(stderr, "usage: define_and_train RUN_FOLDER PICTURE.png\n");
    return 2;
  }
  const auto model = tessera::models::build(R"({"family": "vit", "img_size": 32, "patch_size": 8, "embed_dim": 48,
                                               "depth": 2, "num_heads": 3, "num_classes": 10})");
  model->initialise(/*seed=*/0);

  tessera::train::TrainJob job;
  job.model = model.get();
  job.data = tessera::data::open_data("shapes", {"train=640", "test=100"});
  job.preprocess = tessera::infer::default_preprocess(*model);
  job.preprocess.crop_pct = 1;  // the pictures have the model's size
  job.folder = argv[1];
  tessera::train::TrainOptions options;
  options.steps = 20;
  options.batch = 32;

  struct Printer : tessera::train::Observer {
    void on_step(const tessera::train::StepInfo& step) override {
      if (step.step % 5 == 0) std::printf("step %d: loss %.3f\n", static_cast<int>(step.step), step.loss);
    }
  } printer;
  const auto summary = tessera::train::train(job, options, printer);
  tessera::write_atomically(argv[2], tessera::image::encode_png(job.data.test->get(0).picture));
  std::printf("%s\n", summary.model_file.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
