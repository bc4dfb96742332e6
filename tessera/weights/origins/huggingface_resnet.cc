// Hugging Face's ResNet: https://github.com/huggingface/transformers/tree/main/src/transformers/models/resnet
#include "tessera/core/error.h"
#include "tessera/weights/origins/huggingface_config.h"

namespace tessera::weights {
namespace {

using huggingface::Json;

// The shapes tell the rest.
Config read_config(const std::string& text, const std::string& where) {
  const Json json = huggingface::parse(text, {"resnet"}, where);
  for (const auto& [key, ours] : {std::pair<const char*, Json>{"hidden_act", "relu"},
                                  {"downsample_in_first_stage", false},
                                  {"downsample_in_bottleneck", false}})
    TESSERA_CHECK(json.value(key, ours) == ours, "{}: {} {} is what tessera's ResNet does not have", where, key,
                  json[key].dump());
  return {.classes = huggingface::read_classes(json)};
}

std::string write_config(const std::string& architecture, const std::vector<std::string>& classes) {
  const Json ours = Json::parse(architecture);
  const int64_t expansion = ours["block"] == "basic" ? 1 : 4;
  Json theirs = {{"architectures", {"ResNetForImageClassification"}}, {"model_type", "resnet"}};
  theirs["num_channels"] = ours["in_chans"];
  theirs["embedding_size"] = ours["width"];
  theirs["depths"] = ours["layers"];
  theirs["hidden_sizes"] = Json::array();
  for (size_t stage = 0; stage < ours["layers"].size(); ++stage)
    theirs["hidden_sizes"].push_back((ours["width"].get<int64_t>() << stage) * expansion);
  theirs["layer_type"] = ours["block"];
  theirs["hidden_act"] = "relu";
  theirs["downsample_in_first_stage"] = theirs["downsample_in_bottleneck"] = false;
  huggingface::write_classes(theirs, ours["num_classes"], classes);
  return theirs.dump(2) + "\n";
}

}  // namespace

void register_huggingface_resnet(OriginRegistry& registry) {
  Origin hf;
  hf.about = "Hugging Face's ResNet: resnet.encoder.stages.0.layers.0.layer.0.convolution.weight";
  hf.keys = {"encoder.stages.{s}.layers.{b}.layer.{k}.convolution.weight"};
  hf.roots = {"resnet."};
  hf.fixed = {{"stem", "imagenet"}, {"groups", "1"}, {"width_per_group", "64"}};
  hf.read_config = read_config;
  hf.write_config = write_config;
  const std::string block = "resnet.encoder.stages.{s}.layers.{b}.", ours = "layer{s+1}.{b}.";
  hf.rules = {{"resnet.embedder.embedder.convolution.{p}", "conv1.{p}"},
              {"resnet.embedder.embedder.normalization.{p}", "bn1.{p}"},
              {block + "layer.{k}.convolution.{p}", ours + "conv{k+1}.{p}"},
              {block + "layer.{k}.normalization.{p}", ours + "bn{k+1}.{p}"},
              {block + "shortcut.convolution.{p}", ours + "downsample.0.{p}"},
              {block + "shortcut.normalization.{p}", ours + "downsample.1.{p}"},
              {"classifier.1.{p}", "fc.{p}"}};
  registry.add("hf-resnet", hf);
}

}  // namespace tessera::weights
