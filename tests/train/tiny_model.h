// The smallest model: parameters of the shapes a test asks for, in the order given. Its first one is layer 0 and so on.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/nn/init.h"

namespace tessera::test {

struct NamedShape {
  std::string name;
  Shape shape;
};

class TinyModel : public models::Model {
 public:
  explicit TinyModel(std::vector<NamedShape> parameters) : named_(std::move(parameters)) {
    for (const NamedShape& p : named_) {
      tensors_.push_back(std::make_unique<Tensor>());
      add_parameter(p.name, *tensors_.back(), p.shape, nn::zeros());
    }
  }
  Tensor& tensor(size_t i) { return *tensors_[i]; }

  Tensor forward_features(const Tensor& images) override { return images; }
  Tensor forward_head(const Tensor& features) override { return features; }
  models::PictureSize input() const override { return {}; }
  int64_t num_classes() const override { return 2; }
  std::string architecture() const override { return "{}"; }
  std::vector<models::ShapeStep> shapes() override { return {}; }
  int64_t layer_of(const std::string& parameter) const override {
    for (size_t i = 0; i < named_.size(); ++i)
      if (named_[i].name == parameter) return static_cast<int64_t>(i);
    return 0;
  }
  int64_t num_layers() const override { return static_cast<int64_t>(named_.size()); }
  bool no_weight_decay(const std::string& parameter) const override { return parameter == "token"; }
  std::vector<std::string> head_parameters() const override { return {}; }

 private:
  std::vector<NamedShape> named_;
  std::vector<std::unique_ptr<Tensor>> tensors_;
};

}  // namespace tessera::test
