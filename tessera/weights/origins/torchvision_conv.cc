// torchvision's convolutional networks, https://github.com/pytorch/vision/tree/main/torchvision/models. tessera's names
// are torchvision's, and timm's ResNet and DenseNet have them too.
#include "tessera/weights/origins/timm_config.h"

namespace tessera::weights {

namespace {

// In torchvision's files of DenseNet, norm and convolution of a layer have names of two parts: "norm.1", once "norm1".
void join_names(formats::NamedArrays& arrays) {
  for (auto& [name, array] : arrays)
    for (const std::string part : {".norm.1.", ".norm.2.", ".conv.1.", ".conv.2."})
      if (const size_t at = name.find(part); at != std::string::npos && name.find("denselayer") < at)
        name.erase(at + 5, 1);
}

}  // namespace

void register_torchvision_conv(OriginRegistry& registry) {
  struct Net {
    const char *family, *name, *key;  // no key: another net's will do
    models::Settings fixed;
  };
  const models::Settings stem = {{"stem", "imagenet"}};
  const models::Settings strides = {{"stem_stride", "2"}, {"strides", "[1, 2, 2, 2, 1, 2, 1]"}};
  for (const auto& [family, name, key, fixed] :
       {Net{"resnet", "ResNet, ResNeXt and Wide ResNet", "layer1.0.conv1.weight", stem},
        {"vgg", "VGG", "classifier.6.weight", {{"hidden", "[4096, 4096]"}, {"pool_size", "7"}}},
        {"alexnet", "AlexNet", "", stem},
        {"googlenet", "GoogLeNet", "inception3a.branch1.conv.weight", stem},
        {"densenet", "DenseNet", "features.denseblock1.denselayer1.norm1.weight", stem},
        {"mobilenet_v2", "MobileNetV2", "features.1.conv.0.0.weight", strides},
        {"efficientnet", "EfficientNet", "features.1.0.block.0.0.weight", strides}}) {
    Origin origin;
    origin.fixed = fixed;
    origin.about = std::string("torchvision's ") + name;
    if (*key != 0) {
      origin.about += std::string(": ") + key;
      origin.keys = {key};
    }
    origin.read_config = [](const std::string& text, const std::string& where) { return timm_config(text, where); };
    if (std::string(family) == "densenet") {
      origin.keys.push_back("features.denseblock1.denselayer1.norm.1.weight");
      origin.prepare = join_names;
    }
    // timm's, of the same names and shapes.
    if (std::string(family) == "resnet")
      for (const char* blurred : {"resnetaa", "resnetblur"})
        origin.strangers.emplace_back(blurred, "blurs its maps where it halves them");
    registry.add(std::string("torchvision-") + family, origin);
  }
}

}  // namespace tessera::weights
