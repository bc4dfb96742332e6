// A small model with everything training has to deal with: dropout, a parameter that decay leaves out, a head.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/nn/init.h"
#include "tessera/ops/add.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/linear.h"

namespace tessera::test {

class TinyClassifier : public models::Model {
 public:
  struct Config {
    int64_t size = 8, channels = 3, width = 16, classes = 4;
    float dropout = 0.2f;
  };

  explicit TinyClassifier(Config config) : config_(config) {
    const int64_t inputs = config.size * config.size * config.channels;
    add_parameter("embed.weight", w1_, {config.width, inputs}, nn::trunc_normal(0.05));
    add_parameter("embed.bias", b1_, {config.width}, nn::zeros());
    add_parameter("head.weight", w2_, {config.classes, config.width}, nn::trunc_normal(0.05));
    add_parameter("head.bias", b2_, {config.classes}, nn::zeros());
    initialise(3);
  }
  TinyClassifier() : TinyClassifier(Config{}) {}

  Tensor forward_features(const Tensor& images) override {
    const Tensor flat = images.reshape({images.size(0), images.numel() / images.size(0)});
    return ops::dropout(ops::linear(flat, w1_, b1_, {ops::Activation::gelu_erf, {}}), config_.dropout, "embed.drop");
  }
  Tensor forward_head(const Tensor& features) override { return ops::linear(features, w2_, b2_); }

  models::PictureSize input() const override { return {config_.size, config_.size, config_.channels}; }
  int64_t num_classes() const override { return config_.classes; }
  std::string architecture() const override {
    return nlohmann::json{
        {"family", "tiny"}, {"size", config_.size}, {"width", config_.width}, {"classes", config_.classes}}
        .dump();
  }
  std::vector<models::ShapeStep> shapes() override { return {}; }
  int64_t layer_of(const std::string& parameter) const override { return parameter.starts_with("head"); }
  int64_t num_layers() const override { return 2; }
  bool no_weight_decay(const std::string&) const override { return false; }
  std::vector<std::string> head_parameters() const override { return {"head.weight", "head.bias"}; }

 private:
  Config config_;
  Tensor w1_, b1_, w2_, b2_;
};

}  // namespace tessera::test
