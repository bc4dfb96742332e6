// How other libraries write down what their models see.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/image/preprocess.h"

namespace tessera::image {

// The preprocessing that a JSON text describes: Hugging Face's preprocessor_config.json (processors of ViT, DeiT, BEiT,
// ConvNeXt, LeViT, CLIP, BiT and their like, old files of "feature extractors" included) or timm's config.json (with
// "pretrained_cfg", or flat). Nothing where it does not speak of pictures, as a plain architecture does. An Error,
// which begins with `where`, is a damaged text, or a step that Preprocess has no word for (blue
// before red, padding).
std::optional<Preprocess> preprocess_from(std::string_view json, const std::string& where);

// The way back: the text of a preprocessor_config.json; nothing where no processor of Hugging Face's does this.
std::optional<std::string> hugging_face_config(const Preprocess& how);

// What the models of a library expect where no file says it. library: an origin of weights, "timm", "torchvision",
// "torchvision-resnet", "hf", "jax"; model: its name there, its family ("deit_small_patch16_224", "vit"), or of
// torchvision's convolutional networks the name of its file ("resnet50-11ad3fa6"). Anything else gives Preprocess's
// defaults. One channel is brought to [-1, 1].
Preprocess usual_preprocess(std::string_view library, std::string_view model, int64_t height, int64_t width,
                            int64_t channels = 3);

}  // namespace tessera::image
