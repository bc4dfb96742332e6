// What a network of a user's consists of. A layer takes what stands behind it into its own pass where it can, so that a
// convolution with its norm and activation, and the sum of a residual, are one operation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/models/model.h"
#include "tessera/nn/attention.h"
#include "tessera/nn/conv2d.h"
#include "tessera/nn/linear.h"
#include "tessera/ops/pooling.h"

namespace tessera::models {

// What comes behind a layer: act(y + residual), of which there may be neither.
struct Behind {
  nn::Activation activation = nn::Activation::none;
  Tensor residual = {};
};

class Layer : public nn::Module {
 public:
  // index: its place among its neighbours, which its parameters' names begin with.
  explicit Layer(std::string index) : index_(std::move(index)) {}
  // x (B, …) -> (B, …), overwritten where its last handle is moved in
  virtual Tensor forward(Tensor x, Behind behind) const = 0;
  virtual void add_products(std::vector<Product>&) const {}
  const std::string& index() const { return index_; }

 private:
  std::string index_;
};

// Layers one after the other.
class Sequence : public Layer {
 public:
  explicit Sequence(std::string index) : Layer(std::move(index)) {}
  void add(std::unique_ptr<Layer> layer);
  // Offers what each layer gives as a tap with its name.
  Tensor forward(Tensor x, Behind behind) const override { return forward(std::move(x), std::move(behind), 0, size()); }
  Tensor forward(Tensor x, Behind behind, size_t begin, size_t end) const;
  void add_products(std::vector<Product>& products) const override;
  const std::vector<std::unique_ptr<Layer>>& layers() const { return layers_; }
  size_t size() const { return layers_.size(); }

 private:
  std::vector<std::unique_ptr<Layer>> layers_;
};

struct ConvolutionConfig {
  int64_t in = 0, out = 0;
  nn::Conv2dConfig conv = {};
  std::optional<nn::BatchNormConfig> norm = std::nullopt;
  nn::Activation activation = nn::Activation::none;
  bool norm_last = false;  // norm(act(conv)) in the place of act(norm(conv))
};

// A convolution with its norm and its activation, as far as they stand behind it.
class Convolution : public Layer {
 public:
  // norm_index: of the norm
  Convolution(std::string index, const std::string& norm_index, const ConvolutionConfig& config);
  Tensor forward(Tensor x, Behind behind) const override;
  const nn::Conv2d& conv() const { return conv_; }

 private:
  nn::Conv2d conv_;
  std::optional<nn::BatchNorm2d> norm_;
  nn::Activation activation_;
  bool norm_last_;
};

class Norm : public Layer {
 public:
  Norm(std::string index, int64_t C, const nn::BatchNormConfig& config, nn::Activation activation);
  Tensor forward(Tensor x, Behind behind) const override;
  const nn::BatchNorm2d& norm() const { return norm_; }

 private:
  nn::BatchNorm2d norm_;
  nn::Activation activation_;
};

class LinearLayer : public Layer {
 public:
  LinearLayer(std::string index, int64_t in, int64_t out, bool bias, nn::Activation activation);
  Tensor forward(Tensor x, Behind behind) const override;  // (B, …, in) -> (B, …, out)
  void add_products(std::vector<Product>& products) const override;

 private:
  nn::Linear linear_;
  nn::Activation activation_;
};

// Multi-head self-attention of tokens.
class AttentionLayer : public Layer {
 public:
  AttentionLayer(std::string index, const nn::AttentionConfig& config);
  Tensor forward(Tensor x, Behind behind) const override;  // (B, N, D) -> (B, N, D)
  void add_products(std::vector<Product>& products) const override;

 private:
  nn::Attention attention_;
};

// act(inner(x) + shortcut(x)); without a shortcut x itself is added.
class ResidualLayer : public Layer {
 public:
  ResidualLayer(std::string index, std::unique_ptr<Sequence> inner, std::unique_ptr<Sequence> shortcut,
                double drop_path, nn::Activation activation);
  Tensor forward(Tensor x, Behind behind) const override;
  void add_products(std::vector<Product>& products) const override;

 private:
  std::unique_ptr<Sequence> inner_, shortcut_;
  float drop_path_;
  nn::Activation activation_;
};

// Sequences one after the other: a block of the user's, or several copies of one.
class GroupLayer : public Layer {
 public:
  GroupLayer(std::string index, std::vector<std::unique_ptr<Sequence>> copies);
  Tensor forward(Tensor x, Behind behind) const override;
  void add_products(std::vector<Product>& products) const override;

 private:
  std::vector<std::unique_ptr<Sequence>> copies_;
};

// What branches give of the same x, channel behind channel.
class ConcatLayer : public Layer {
 public:
  ConcatLayer(std::string index, std::vector<std::unique_ptr<Sequence>> branches);
  Tensor forward(Tensor x, Behind behind) const override;
  void add_products(std::vector<Product>& products) const override;

 private:
  std::vector<std::unique_ptr<Sequence>> branches_;
};

// Learned positions of tokens, `positions` (1, N, D).
class PositionsLayer : public Layer {
 public:
  PositionsLayer(std::string index, int64_t N, int64_t D);
  Tensor forward(Tensor x, Behind behind) const override;

 private:
  Tensor positions_;
};

// A layer that is a function of x, with a module of parameters or without.
template <class Run>
class FunctionLayer : public Layer {
 public:
  FunctionLayer(std::string index, Run run, std::unique_ptr<nn::Module> module = nullptr)
      : Layer(std::move(index)), run_(std::move(run)), module_(std::move(module)) {
    if (module_) add_child(this->index(), *module_);
  }
  Tensor forward(Tensor x, Behind behind) const override;

 private:
  Run run_;  // (Tensor x, std::string path) -> Tensor
  std::unique_ptr<nn::Module> module_;
};

// act(y + residual)
Tensor finish(Tensor y, const Behind& behind);

template <class Run>
Tensor FunctionLayer<Run>::forward(Tensor x, Behind behind) const {
  return finish(run_(std::move(x), path(index())), behind);
}

}  // namespace tessera::models
