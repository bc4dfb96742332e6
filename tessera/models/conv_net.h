// What the families of convolutional networks share: the keys that each architecture has, and what follows from the
// names of a network's parts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tessera/core/options.h"
#include "tessera/models/model.h"
#include "tessera/models/registry.h"
#include "tessera/nn/conv2d.h"

namespace tessera::models {

struct ConvNetConfig {
  std::vector<int64_t> img_size = {224, 224};  // height, width; one number: both
  int64_t in_chans = 3;
  int64_t num_classes = 1000;

  void visit(Options& o);
  void complete(const Options& given);  // what follows from other keys
};

class ConvNet : public Model {
 public:
  Tensor forward_features(const Tensor& images) override = 0;    // (B, H, W, C) -> the last map (B, H', W', C')
  PictureSize input() const override;                            // pictures of other sizes are taken too
  int64_t num_classes() const override { return num_classes_; }  // 0: no head
  std::string architecture() const override { return architecture_; }
  int64_t layer_of(const std::string& parameter) const override;  // of name_parts()
  int64_t num_layers() const override { return static_cast<int64_t>(blocks_.size()) + 2; }
  bool no_weight_decay(const std::string&) const override { return false; }
  std::optional<Spatial> spatial(const std::string& parameter) const override;  // the stem's kernel, for its channels
  std::vector<std::string> head_parameters() const override;

 protected:
  // architecture: describe() of the family's own config.
  ConvNet(const ConvNetConfig& config, std::string architecture);
  // At the end of the constructor. stem: the first convolution, registered. blocks: the parts behind the stem, in the
  // order of the forward pass, each a layer of layer-wise decay and the paths of its modules; what belongs to none of
  // them is the stem's. head: path of the final classifier.
  void name_parts(const nn::Conv2d& stem, std::vector<std::vector<std::string>> blocks, std::string head);
  void name_parts(const nn::Conv2d& stem, const std::vector<std::string>& blocks, std::string head);
  // An Error unless images are (B, H, W, in_chans).
  void check_images(const Tensor& images) const;

 private:
  PictureSize input_;
  int64_t num_classes_;
  std::string architecture_;
  std::string stem_, head_;
  kernels::Extent2d stem_kernel_;
  std::vector<std::vector<std::string>> blocks_;
};

}  // namespace tessera::models
