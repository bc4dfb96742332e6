// torchvision's convolutional networks, https://github.com/pytorch/vision/tree/main/torchvision/models. tessera's names
// are torchvision's, and timm's ResNet and DenseNet have them too.
#include "tessera/weights/origins/timm_config.h"

namespace tessera::weights {

void register_torchvision_conv(OriginRegistry& registry) {
  struct Net {
    const char *family, *name, *key;  // no key: another net's will do
  };
  for (const auto& [family, name, key] : {Net{"resnet", "ResNet, ResNeXt and Wide ResNet", "layer1.0.conv1.weight"},
                                          {"vgg", "VGG", "classifier.6.weight"},
                                          {"alexnet", "AlexNet", ""},
                                          {"googlenet", "GoogLeNet", "inception3a.branch1.conv.weight"},
                                          {"densenet", "DenseNet", "features.denseblock1.denselayer1.norm1.weight"},
                                          {"mobilenet_v2", "MobileNetV2", "features.{b}.conv.0.0.weight"},
                                          {"efficientnet", "EfficientNet", "features.{s}.{b}.block.0.0.weight"}}) {
    Origin origin;
    origin.about = std::string("torchvision's ") + name;
    if (*key != 0) {
      origin.about += std::string(": ") + key;
      origin.keys = {key};
    }
    origin.read_config = [](const std::string& text, const std::string& where) { return timm_config(text, where); };
    registry.add(std::string("torchvision-") + family, origin);
  }
}

}  // namespace tessera::weights
