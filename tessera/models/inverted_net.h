// What MobileNetV2 and EfficientNet share: a first convolution, inverted residuals, a last convolution 1×1, and the
// mean of its map under a linear layer.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/models/conv_net.h"
#include "tessera/nn/classifier.h"
#include "tessera/nn/inverted_residual.h"

namespace tessera::models {

class InvertedNet : public ConvNet {
 public:
  Tensor forward_features(const Tensor& images) override;
  Tensor forward_head(const Tensor& features) override { return classifier_->forward(features); }  // (B, K)
  std::vector<ShapeStep> shapes() override;

 protected:
  using ConvNet::ConvNet;  // the family's constructor makes the members

  std::optional<nn::ConvNorm> stem_;
  std::vector<std::unique_ptr<nn::InvertedResidual>> blocks_;
  std::optional<nn::ConvNorm> last_;
  std::optional<nn::PooledClassifier> classifier_;
};

}  // namespace tessera::models
