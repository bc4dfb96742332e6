#include "tessera/models/network_layers.h"

#include <utility>

#include "tessera/ops/activation.h"
#include "tessera/ops/add.h"
#include "tessera/ops/concat_channels.h"
#include "tessera/ops/dropout.h"
#include "tessera/ops/positions.h"
#include "tessera/ops/tap.h"
#include "tessera/ops/training.h"

namespace tessera::models {

using nn::Activation;

Tensor finish(Tensor y, const Behind& behind) {
  if (behind.residual) y = ops::add(y, behind.residual);
  return behind.activation == Activation::none ? y : ops::activate(y, behind.activation);
}

void Sequence::add(std::unique_ptr<Layer> layer) {
  add_child("", *layer);
  layers_.push_back(std::move(layer));
}

Tensor Sequence::forward(Tensor x, Behind behind, size_t begin, size_t end) const {
  if (begin == end) return finish(std::move(x), behind);
  for (size_t i = begin; i < end; ++i) {
    x = layers_[i]->forward(std::move(x), i + 1 == end ? std::move(behind) : Behind{});
    if (ops::tapping()) ops::tap(path(layers_[i]->index()), x);
  }
  return x;
}

void Sequence::add_products(std::vector<Product>& products) const {
  for (const auto& layer : layers_) layer->add_products(products);
}

Convolution::Convolution(std::string index, const std::string& norm_index, const ConvolutionConfig& config)
    : Layer(std::move(index)),
      conv_(config.in, config.out, config.conv),
      activation_(config.activation),
      norm_last_(config.norm_last) {
  add_child(this->index(), conv_);
  if (config.norm) add_child(norm_index, norm_.emplace(config.out, *config.norm));
}

Tensor Convolution::forward(Tensor x, Behind behind) const {
  if (norm_last_) {
    const Tensor y = nn::conv_act_norm(conv_, *norm_, x, activation_, behind.residual);
    return finish(y, {.activation = behind.activation});
  }
  if (activation_ == Activation::none && norm_)
    return nn::conv_norm(conv_, *norm_, x, behind.activation, std::move(behind.residual));
  if (activation_ == Activation::none && !behind.residual) return nn::conv_act(conv_, x, behind.activation);
  return finish(norm_ ? nn::conv_norm(conv_, *norm_, x, activation_) : nn::conv_act(conv_, x, activation_), behind);
}

Norm::Norm(std::string index, int64_t C, const nn::BatchNormConfig& config, Activation activation)
    : Layer(std::move(index)), norm_(C, config), activation_(activation) {
  add_child(this->index(), norm_);
}

Tensor Norm::forward(Tensor x, Behind behind) const {
  if (activation_ == Activation::none) return norm_.forward(x, behind.activation, behind.residual);
  return finish(norm_.forward(x, activation_), behind);
}

LinearLayer::LinearLayer(std::string index, int64_t in, int64_t out, bool bias, Activation activation)
    : Layer(std::move(index)),
      linear_(in, out, bias, nn::uniform_fan_in(in), nn::uniform_fan_in(in)),
      activation_(activation) {
  add_child(this->index(), linear_);
}

Tensor LinearLayer::forward(Tensor x, Behind behind) const {
  if (!behind.residual && activation_ == Activation::none) return linear_.forward(x, {.activation = behind.activation});
  const Tensor y = linear_.forward(x, {.activation = activation_, .residual = behind.residual});
  return finish(y, {.activation = behind.activation});
}

void LinearLayer::add_products(std::vector<Product>& products) const {
  products.push_back({linear_.path("weight"), ""});
}

AttentionLayer::AttentionLayer(std::string index, const nn::AttentionConfig& config)
    : Layer(std::move(index)), attention_(config) {
  add_child(this->index(), attention_);
}

Tensor AttentionLayer::forward(Tensor x, Behind behind) const {
  const Tensor y = attention_.forward(x, x.size(1), {.residual = behind.residual});
  return finish(y, {.activation = behind.activation});
}

void AttentionLayer::add_products(std::vector<Product>& products) const {
  products.push_back({attention_.path("qkv.weight"), ""});
  products.push_back({attention_.path("proj.weight"), ""});
}

ResidualLayer::ResidualLayer(std::string index, std::unique_ptr<Sequence> inner, std::unique_ptr<Sequence> shortcut,
                             double drop_path, Activation activation)
    : Layer(std::move(index)),
      inner_(std::move(inner)),
      shortcut_(std::move(shortcut)),
      drop_path_(static_cast<float>(drop_path)),
      activation_(activation) {
  add_child(this->index() + ".residual", *inner_);
  if (shortcut_) add_child(this->index() + ".shortcut", *shortcut_);
}

Tensor ResidualLayer::forward(Tensor x, Behind behind) const {
  Tensor around = shortcut_ ? shortcut_->forward(x, {}) : x;
  if (ops::current_training() && drop_path_ > 0) {
    const Tensor y = ops::drop_path(inner_->forward(std::move(x), {}), drop_path_, path(index()));
    return finish(finish(y, {activation_, around}), behind);
  }
  return finish(inner_->forward(std::move(x), {activation_, std::move(around)}), behind);
}

void ResidualLayer::add_products(std::vector<Product>& products) const {
  inner_->add_products(products);
  if (shortcut_) shortcut_->add_products(products);
}

GroupLayer::GroupLayer(std::string index, std::vector<std::unique_ptr<Sequence>> copies)
    : Layer(std::move(index)), copies_(std::move(copies)) {
  for (size_t i = 0; i < copies_.size(); ++i) add_child(this->index() + "." + std::to_string(i), *copies_[i]);
}

Tensor GroupLayer::forward(Tensor x, Behind behind) const {
  for (const auto& copy : copies_)
    x = copy->forward(std::move(x), copy == copies_.back() ? std::move(behind) : Behind{});
  return x;
}

void GroupLayer::add_products(std::vector<Product>& products) const {
  for (const auto& copy : copies_) copy->add_products(products);
}

ConcatLayer::ConcatLayer(std::string index, std::vector<std::unique_ptr<Sequence>> branches)
    : Layer(std::move(index)), branches_(std::move(branches)) {
  for (size_t i = 0; i < branches_.size(); ++i)
    add_child(this->index() + ".concat." + std::to_string(i), *branches_[i]);
}

Tensor ConcatLayer::forward(Tensor x, Behind behind) const {
  std::vector<Tensor> parts;
  for (const auto& branch : branches_) parts.push_back(branch->forward(x, {}));
  return finish(ops::concat_channels(parts), behind);  // (B, …, C_i) -> (B, …, Σ C_i)
}

void ConcatLayer::add_products(std::vector<Product>& products) const {
  for (const auto& branch : branches_) branch->add_products(products);
}

PositionsLayer::PositionsLayer(std::string index, int64_t N, int64_t D) : Layer(std::move(index)) {
  add_parameter(this->index() + ".positions", positions_, {1, N, D}, nn::trunc_normal(0.02));
}

Tensor PositionsLayer::forward(Tensor x, Behind behind) const {
  return finish(ops::add_positions(x, positions_), behind);
}

}  // namespace tessera::models
