// The keys of fully complex-valued networks, what follows from them, and the networks that have a name.
#include <algorithm>

#include "tessera/models/family.h"
#include "tessera/models/fccn.h"

namespace tessera::models {

void FccnConfig::visit(Options& o) {
  o.section("Picture");
  o("img_size", img_size, "height and width of the picture in pixels; one number for both").at_least(1).at_most(16384);
  o("in_chans", in_chans, "channels of the picture; complex ones with color complex").at_least(1).at_most(4096);
  o("num_classes", num_classes, "classes").at_least(1).at_most(10000000);
  o("color", color,
    "what the first convolution takes: the complex planes of iHSV, of pictures in 0 ... 1; the colours as they come, "
    "real numbers; or pictures that are complex already, 2 * in_chans planes, the real parts first")
      .one_of({"ihsv", "rgb", "complex"});
  o.section("Network");
  o("numbers", numbers, "what it computes with; real: the twin of the same shape").one_of({"complex", "real"});
  o("channels", channels, "channels of each convolution, in numbers of this kind").at_least(1).at_most(65536);
  o("strides", strides, "stride of each convolution; one number for all").at_least(1).at_most(1024);
  o("kernel", kernel, "height and width of every kernel; odd: half of it is the padding").at_least(1).at_most(1023);
  o("conv_bias", conv_bias, "biases of the convolutions; by default where there is no norm");
  o("norm", norm,
    "after each convolution: the whitening batch norm of complex numbers (of real ones the ordinary one), an ordinary "
    "one of each part by itself, or none")
      .one_of({"whitening", "parts", "none"});
  o("norm_eps", norm_eps, "its epsilon").above(0);
  o("act", act, "activation of each convolution; one for all. Real numbers have crelu alone, which is ReLU")
      .one_of({"crelu", "modrelu", "zrelu", "cardioid", "cprelu"});
  o("pools", pools, "the convolutions (1, 2, ...) that a pooling of 2x2 follows").at_least(1).at_most(65536);
  o("pool", pool, "that pooling: the number of the largest magnitude, the largest of each part by itself, or the mean")
      .one_of({"magnitude", "max", "avg"});
  o("global_pool", global_pool, "what the classifier reads: the mean of the map, or all of it").one_of({"avg", "all"});
}

int64_t FccnConfig::input_channels() const {
  if (color == "ihsv") return complex() ? 3 : 6;
  return color == "complex" && !complex() ? 2 * in_chans : in_chans;
}

bool FccnConfig::pooled(int64_t index) const { return std::count(pools.begin(), pools.end(), index + 1) > 0; }

void FccnConfig::complete(const Options& given) {
  if (img_size.size() == 1) img_size.push_back(img_size[0]);
  if (img_size.size() != 2)
    fail_usage("img_size must be one number or height and width, not {} numbers", img_size.size());
  if (!complex() && !given.is_set("color")) color = "rgb";
  if (!given.is_set("conv_bias")) conv_bias = norm == "none";
  if (channels.empty()) fail_usage("channels must name at least one convolution");
  const auto spread = [&](auto& values, const char* key) {
    if (values.size() == 1) values.resize(channels.size(), values[0]);
    if (values.size() != channels.size())
      fail_usage("{} must be one value or one for each of {} convolutions, not {}", key, channels.size(),
                 values.size());
  };
  spread(strides, "strides"), spread(act, "act");
  for (const int64_t after : pools)
    if (after > static_cast<int64_t>(channels.size()))
      fail_usage("pools names convolution {}, but there are {}", after, channels.size());
  if (kernel % 2 == 0) fail_usage("kernel must be odd, not {}", kernel);
  if (color == "ihsv" && in_chans != 3)
    fail_usage("color ihsv needs pictures of 3 channels, not in_chans {}: take color rgb", in_chans);
  if (!complex() && norm == "parts") fail_usage("norm parts is for complex numbers: real ones have no parts");
  for (const std::string& name : act)
    if (!complex() && name != "crelu") fail_usage("act {} is for complex numbers: real ones take crelu", name);
}

void register_fccn_config(Registry& registry) {
  registry.families.add("fccn",
                        family_made_by<FccnConfig>(make_fccn, "fccn", "Fully complex-valued convolutional networks."));
  registry.variants.add("fccn_cifar", {"fccn", "{}", "a small complex-valued network for 32x32 colour pictures"});
  registry.variants.add("fccn_cifar_real",
                        {"fccn", R"({"numbers": "real", "channels": [24, 48, 48, 96, 96, 176, 176]})",
                         "fccn_cifar in real numbers, with about as many parameters"});
}

}  // namespace tessera::models
