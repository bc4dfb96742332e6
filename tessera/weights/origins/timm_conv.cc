// timm's convolutional networks where their names are not torchvision's: VGG, MobileNetV2 and EfficientNet
// (https://github.com/huggingface/pytorch-image-models/blob/main/timm/models/vgg.py and efficientnet.py).
#include "tessera/weights/origins/timm_config.h"

namespace tessera::weights {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

Origin origin_with(const std::string& about, const std::string& key, const Names& names) {
  Origin origin;
  origin.about = about + ": " + key;
  origin.keys = {key};
  origin.names = names;
  origin.read_config = [names](const std::string& text, const std::string& where) {
    return timm_config(text, where, names);
  };
  return origin;
}

// The classifier's first layers are convolutions there.
Origin vgg() {
  Origin origin = origin_with("timm's VGG", "pre_logits.fc1.weight", {});
  origin.fixed = {{"hidden", "[4096, 4096]"}, {"pool_size", "7"}};
  origin.rules = {{"features.{i}.{p}", "features.{i}.{p}"},
                  {"pre_logits.fc1.weight", "classifier.0.weight", "o c y x -> o (c y x)"},
                  {"pre_logits.fc1.bias", "classifier.0.bias"},
                  {"pre_logits.fc2.weight", "classifier.3.weight", "o i u v -> o (i u v)"},
                  {"pre_logits.fc2.bias", "classifier.3.bias"},
                  {"head.fc.{p}", "classifier.6.{p}"}};
  return origin;
}

// An inverted residual: its layers there, and here. Stages count from 0 there and blocks within them.
void add_block(std::vector<Rule>& rules, const std::string& theirs, const std::string& ours, const Names& layers) {
  for (const auto& [their, our] : layers) rules.push_back({theirs + their + ".{p}", ours + our + ".{p}"});
}

constexpr int kBlocks[] = {1, 2, 3, 4, 3, 3, 1};  // of MobileNetV2's stages

// Its blocks are numbered through here.
std::vector<Rule> mobilenet_rules() {
  std::vector<Rule> rules;
  int number = 0;
  for (size_t stage = 0; stage < std::size(kBlocks); ++stage)
    for (int block = 0; block < kBlocks[stage]; ++block) {
      const std::string theirs = fmt::format("blocks.{}.{}.", stage, block);
      const std::string ours = fmt::format("features.{}.conv.", ++number);
      if (stage == 0)
        add_block(rules, theirs, ours, {{"conv_dw", "0.0"}, {"bn1", "0.1"}, {"conv_pw", "1"}, {"bn2", "2"}});
      else
        add_block(
            rules, theirs, ours,
            {{"conv_pw", "0.0"}, {"bn1", "0.1"}, {"conv_dw", "1.0"}, {"bn2", "1.1"}, {"conv_pwl", "2"}, {"bn3", "3"}});
    }
  add_block(rules, "", "features.", {{"conv_head", "18.0"}, {"bn2", "18.1"}});
  return rules;
}

std::vector<Rule> efficientnet_rules() {
  std::vector<Rule> rules;
  for (size_t stage = 0; stage < std::size(kBlocks); ++stage) {
    const std::string theirs = fmt::format("blocks.{}.{{b}}.", stage);
    const std::string ours = fmt::format("features.{}.{{b}}.block.", stage + 1);
    if (stage == 0)
      add_block(rules, theirs, ours,
                {{"conv_dw", "0.0"},
                 {"bn1", "0.1"},
                 {"se.conv_reduce", "1.fc1"},
                 {"se.conv_expand", "1.fc2"},
                 {"conv_pw", "2.0"},
                 {"bn2", "2.1"}});
    else
      add_block(rules, theirs, ours,
                {{"conv_pw", "0.0"},
                 {"bn1", "0.1"},
                 {"conv_dw", "1.0"},
                 {"bn2", "1.1"},
                 {"se.conv_reduce", "2.fc1"},
                 {"se.conv_expand", "2.fc2"},
                 {"conv_pwl", "3.0"},
                 {"bn3", "3.1"}});
  }
  add_block(rules, "", "features.", {{"conv_head", "8.0"}, {"bn2", "8.1"}});
  return rules;
}

}  // namespace

void register_timm_conv(OriginRegistry& registry) {
  registry.add("timm-vgg", vgg());
  // The two have the same names but for the gates.
  Origin mobile = origin_with("timm's MobileNetV2 and EfficientNet", "blocks.0.0.conv_dw.weight",
                              {{"mobilenetv2_100", "mobilenet_v2"}});
  const std::string gate = "blocks.0.0.se.conv_reduce.weight";
  for (Rule rule : mobilenet_rules()) rule.without = gate, mobile.rules.push_back(rule);
  for (Rule rule : efficientnet_rules()) rule.with = gate, mobile.rules.push_back(rule);
  for (const char* name : {"tf_efficientnet", "tf_mobilenet"})
    mobile.strangers.emplace_back(name, "pads its pictures as TensorFlow does");
  mobile.of_family = {{"efficientnet", {{"norm_eps", "1e-5"}, {"norm_momentum", "0.1"}}}};  // of B5 to B7, too
  mobile.fixed = {{"stem_stride", "2"}, {"strides", "[1, 2, 2, 2, 1, 2, 1]"}};
  add_block(mobile.rules, "", "",
            {{"conv_stem", "features.0.0"}, {"bn1", "features.0.1"}, {"classifier", "classifier.1"}});
  registry.add("timm-efficientnet", mobile);
  mobile.keys = {};  // for writing
  registry.add("timm-mobilenet_v2", mobile);
}

}  // namespace tessera::weights
