#include "tessera/models/conv_net.h"

#include <algorithm>
#include <utility>

#include "tessera/core/error.h"

namespace tessera::models {

void ConvNetConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes; 0: no head, the features in front of it come out")
      .at_least(0)
      .at_most(10000000);
}

void ConvNetConfig::complete(const Options&) {
  if (img_size.size() == 1) img_size.push_back(img_size.front());
  if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
}

ConvNet::ConvNet(const ConvNetConfig& config, std::string architecture)
    : input_{config.img_size[0], config.img_size[1], config.in_chans},
      num_classes_(config.num_classes),
      architecture_(std::move(architecture)) {}

void ConvNet::name_parts(const nn::Conv2d& stem, std::vector<std::vector<std::string>> blocks, std::string head) {
  stem_ = stem.path("weight");
  stem_kernel_ = {stem.weight().size(2), stem.weight().size(3)};
  blocks_ = std::move(blocks);
  head_ = std::move(head);
}

void ConvNet::name_parts(const nn::Conv2d& stem, const std::vector<std::string>& blocks, std::string head) {
  std::vector<std::vector<std::string>> alone;
  for (const std::string& block : blocks) alone.push_back({block});
  name_parts(stem, std::move(alone), std::move(head));
}

void ConvNet::check_images(const Tensor& images) const {
  TESSERA_CHECK(images.rank() == 4 && images.size(3) == input_.channels,
                "the images must be (B, H, W, {}), but they are {}", input_.channels, to_string(images.shape()));
}

PictureSize ConvNet::input() const { return input_; }

int64_t ConvNet::layer_of(const std::string& parameter) const {
  const auto belongs_to = [&](const std::string& part) { return parameter.starts_with(part + "."); };
  if (belongs_to(head_)) return num_layers() - 1;
  for (size_t i = 0; i < blocks_.size(); ++i)
    if (std::any_of(blocks_[i].begin(), blocks_[i].end(), belongs_to)) return static_cast<int64_t>(i) + 1;
  return 0;
}

std::optional<Spatial> ConvNet::spatial(const std::string& parameter) const {
  if (parameter != stem_) return std::nullopt;
  return Spatial{Spatial::Kind::patches, stem_kernel_.h, stem_kernel_.w};
}

std::vector<std::string> ConvNet::head_parameters() const {
  if (num_classes_ == 0) return {};
  return {head_ + ".weight", head_ + ".bias"};
}

}  // namespace tessera::models
