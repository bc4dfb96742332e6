// A network that a user writes down layer by layer, in an architecture file and without compiling: docs/network.md.
#include <nlohmann/json.hpp>

#include "tessera/core/options.h"
#include "tessera/models/family.h"
#include "tessera/models/network_kinds.h"

namespace tessera::models {
namespace {

using Json = nlohmann::ordered_json;

struct NetworkConfig {
  std::vector<int64_t> img_size = {224, 224};  // height, width; one number: both
  int64_t in_chans = 3;
  int64_t num_classes = 0;
  std::string layers = "[]", blocks = "{}";  // JSON

  void visit(Options& o) {
    o.section("Picture");
    o("img_size", img_size, "height and width of the picture in pixels; one number for both")
        .at_least(1)
        .at_most(16384);
    o("in_chans", in_chans, "channels of the picture").at_least(1).at_most(4096);
    o("num_classes", num_classes,
      "classes, and the width of \"linear classes\"; 0: what the layers give, without such layers")
        .at_least(0)
        .at_most(10000000);
    o.section("Network");
    o("layers", layers, "a list of layers").placeholder("[\"conv 64 3x3, bn, relu\", …]");
    o("blocks", blocks, "lists of layers that a name stands for, with {parameters}").placeholder("{NAME = [layers]}");
  }
  void complete(const Options&) {
    if (img_size.size() == 1) img_size.push_back(img_size.front());
    if (img_size.size() != 2) fail_usage("img_size takes a height and a width, or one number for both");
  }
};

class Network : public Model {
 public:
  explicit Network(const NetworkConfig& config);

  Tensor forward_features(const Tensor& images) override;
  Tensor forward_head(const Tensor& features) override;

  PictureSize input() const override { return {config_.img_size[0], config_.img_size[1], config_.in_chans}; }
  int64_t num_classes() const override { return config_.num_classes; }
  std::string architecture() const override;
  std::vector<ShapeStep> shapes() override { return steps_; }
  std::vector<Product> products() const override;
  int64_t layer_of(const std::string& parameter) const override;
  int64_t num_layers() const override;
  bool no_weight_decay(const std::string& parameter) const override { return parameter.ends_with(".positions"); }
  std::vector<std::string> head_parameters() const override { return head_; }

 private:
  void check_result(const NetworkBuild& build);
  void find_head();

  NetworkConfig config_;
  std::vector<ShapeStep> steps_;
  bool of_one_size_ = false;
  std::unique_ptr<Sequence> layers_;
  size_t features_ = 0;          // layers in front of the classifier, the last linear one
  std::vector<int64_t> starts_;  // the index of each layer of parameters
  std::vector<std::string> head_;
};

Network::Network(const NetworkConfig& config) : config_(config) {
  const std::vector<LayerSpec> specs = read_layers(config.layers, config.blocks);
  if (specs.empty()) fail_usage("layers: a list of layers is needed, such as [\"conv 64 3x3, bn, relu\", …]");
  NetworkBuild build{.walk = ShapeWalk(input()), .num_classes = config.num_classes};
  layers_ = build_layers(specs, build);
  add_child("layers", *layers_);
  of_one_size_ = build.of_one_size;
  check_result(build);
  steps_ = std::move(build.walk).steps();
  find_head();
}

void Network::check_result(const NetworkBuild& build) {
  const Shape& result = build.walk.shape();
  if (config_.num_classes == 0 && !build.asks_for_classes && result.rank() == 1) config_.num_classes = result[0];
  if (config_.num_classes == 0 || result == Shape{config_.num_classes}) return;
  fail_usage("layers: they give {}, but num_classes is {}; {}", to_string(result), config_.num_classes,
             result.rank() == 1 ? "write \"linear classes\" in the place of the last layer's width"
                                : "end with \"global_pool\" and \"linear classes\"");
}

void Network::find_head() {
  const auto& layers = layers_->layers();
  features_ = layers.size();
  for (size_t i = 0; i < layers.size(); ++i) {
    std::vector<nn::Parameter> parameters = layers[i]->parameters();
    if (parameters.empty()) continue;
    starts_.push_back(std::stoll(layers[i]->index()));
    head_.clear();
    if (!dynamic_cast<const LinearLayer*>(layers[i].get())) continue;
    features_ = i;
    for (const nn::Parameter& parameter : parameters) head_.push_back("layers." + parameter.name);
  }
  if (head_.empty()) features_ = layers.size();
}

Tensor Network::forward_features(const Tensor& images) {
  const auto [H, W, C] = input();
  TESSERA_CHECK(
      images.rank() == 4 && images.size(3) == C && (!of_one_size_ || (images.size(1) == H && images.size(2) == W)),
      "the images must be (B, {}, {}, {}), but they are {}", H, W, C, to_string(images.shape()));
  return layers_->forward(images, {}, 0, features_);
}

Tensor Network::forward_head(const Tensor& features) {
  return layers_->forward(features, {}, features_, layers_->size());
}

std::string Network::architecture() const {
  Json keys = Json::parse(describe("network", config_));
  for (const char* key : {"layers", "blocks"}) keys[key] = Json::parse(keys[key].get<std::string>());
  return keys.dump();
}

std::vector<Product> Network::products() const {
  std::vector<Product> products;
  layers_->add_products(products);
  return products;
}

// Each layer of the list that has parameters is one of layer-wise decay.
int64_t Network::layer_of(const std::string& parameter) const {
  const int64_t index = std::stoll(parameter.substr(std::string("layers.").size()));
  return std::upper_bound(starts_.begin(), starts_.end(), index) - starts_.begin() - 1;
}

int64_t Network::num_layers() const { return std::max<int64_t>(static_cast<int64_t>(starts_.size()), 1); }

}  // namespace

void register_network(Registry& registry) {
  Family family =
      family_of<Network, NetworkConfig>("network", "A network written down layer by layer (docs/network.md).");
  family.build = [build = family.build](const std::string& architecture) {
    Json keys = Json::parse(architecture);
    for (const char* key : {"layers", "blocks"})
      if (keys.contains(key)) keys[key] = keys[key].dump();
    return build(keys.dump());
  };
  family.help = [help = family.help] { return help() + "\n" + layers_help(); };
  registry.families.add("network", family);
}

}  // namespace tessera::models
