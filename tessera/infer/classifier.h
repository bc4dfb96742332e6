// From a model file to labelled pictures:
//
//   const auto classifier = infer::Classifier::load("model.safetensors");
//   for (const infer::Guess& guess : classifier.classify("cat.jpg").top) …
//
// Every function is const, prints nothing and may be called from any thread at the same time as others; each call uses
// the threads of core/parallel.h. Evaluation mode, without gradients. The model's weights must not change any more:
// copies are kept of them, rearranged.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/infer/preprocess_of.h"
#include "tessera/models/frozen_model.h"
#include "tessera/ops/precision.h"
#include "tessera/weights/model_file.h"

namespace tessera::infer {

// One class that a picture may show.
struct Guess {
  int64_t index = 0;
  std::string name;        // "class 7" where the model has no names
  double probability = 0;  // softmax over all classes, in double
};

struct Classification {
  std::vector<Guess> top;     // the most probable first; of equal ones the lower index
  std::vector<float> logits;  // (K)
};

class Classifier {
 public:
  // Any file of weights (weights/model_file.h), to be used: what the options say of its purpose does not matter. Errors
  // name the file.
  static Classifier load(const std::filesystem::path& path, const weights::LoadOptions& options = {});
  static Classifier from(weights::LoadedModel loaded);
  // A model in memory. Without a preprocessing, `info` gives default_preprocess(); without class names, they are
  // "class 0" …
  Classifier(std::shared_ptr<models::Model> model, weights::ModelInfo info);
  // The same model, shared, behind another preprocessing.
  Classifier with_preprocess(const image::Preprocess& how) const;
  // The same model, shared, whose products are of this type. An Error for bf16 where the machine has none.
  Classifier with_precision(ops::Precision precision) const;

  const weights::ModelInfo& info() const { return info_; }
  models::Model& model() const { return model_.model(); }  // for those who look inside
  const image::Preprocess& preprocess() const { return preprocess_; }
  models::PictureSize input() const { return model().input(); }
  int64_t num_classes() const { return model().num_classes(); }  // K; 0: the logits are features
  const std::vector<std::string>& class_names() const { return names_; }

  // Pictures of any size, gray or RGB, as the model wants to see them: (B, H, W, C), normalised.
  Tensor prepare(std::span<const image::Picture> pictures) const;
  // images (B, H, W, C), f32, normalised -> (B, K)
  Tensor logits(const Tensor& images) const;
  // logits (K) of one picture -> its `top` best classes, all of them where K is less. Logits that are not finite are an
  // Error.
  Classification rank(std::span<const float> logits, int64_t top = 5) const;

  Classification classify(const image::Picture& picture, int64_t top = 5) const;
  Classification classify(const std::filesystem::path& path, int64_t top = 5) const;  // image/decode.h
  // All in one batch: memory grows with their number.
  std::vector<Classification> classify(std::span<const image::Picture> pictures, int64_t top = 5) const;

 private:
  // Behind another preprocessing, the same model.
  Classifier(models::FrozenModel model, weights::ModelInfo info);

  models::FrozenModel model_;
  weights::ModelInfo info_;
  image::Preprocess preprocess_;
  ops::Precision precision_ = ops::Precision::f32;
  std::vector<std::string> names_;
};

// (B, C, H, W), f32, as other programs have it -> (B, H, W, C)
Tensor channels_last(const Tensor& images);

}  // namespace tessera::infer
