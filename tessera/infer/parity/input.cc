#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tessera/image/preprocess_config.h"
#include "tessera/infer/parity/suspects.h"

namespace tessera::parity {
namespace {

// (pixel / 255 - mean) / std
struct Normalisation {
  std::string name;
  std::vector<double> mean, std;
};

std::vector<Normalisation> normalisations(int64_t channels) {
  const auto same = [channels](const char* name, double mean, double std) {
    const auto count = static_cast<size_t>(channels);
    return Normalisation{name, std::vector<double>(count, mean), std::vector<double>(count, std)};
  };
  std::vector<Normalisation> known = {same("mean 0.5, std 0.5", 0.5, 0.5), same("[0, 1]", 0, 1),
                                      same("[0, 255]", 0, 1.0 / 255)};
  if (channels == 1) known.push_back(same("MNIST's mean and std", 0.1307, 0.3081));
  if (channels != 3) return known;
  known.push_back({"ImageNet's mean and std", {0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}});
  known.push_back({"CLIP's mean and std", {0.48145466, 0.4578275, 0.40821073}, {0.26862954, 0.26130258, 0.27577711}});
  return known;
}

// x (B, H, W, C) -> the value of each element by a function of its channel
template <class Function>
Tensor per_channel(const Tensor& x, Function f) {
  const Tensor y = Tensor::empty(x.shape());
  const int64_t C = x.size(-1);
  for (int64_t i = 0; i < x.numel(); ++i)
    y.data()[i] = static_cast<float>(f(static_cast<double>(x.data()[i]), static_cast<size_t>(i % C)));
  return y;
}

// What was normalised one way, normalised another way.
Tensor renormalised(const Tensor& x, const Normalisation& from, const Normalisation& to) {
  return per_channel(
      x, [&](double value, size_t c) { return (value * from.std[c] + from.mean[c] - to.mean[c]) / to.std[c]; });
}

// (B, H, W, 3) with the channels the other way round
Tensor reversed(const Tensor& x) {
  const Tensor y = x.clone();
  for (int64_t i = 0; i + 2 < y.numel(); i += 3) std::swap(y.data()[i], y.data()[i + 2]);
  return y;
}

// (B, a, b, c) -> (B, b, a, c), under the shape of x
Tensor exchanged(const Tensor& x, int64_t a, int64_t b, int64_t c) {
  const Tensor y = Tensor::empty(x.shape());
  for (int64_t n = 0; n < x.size(0); ++n)
    for (int64_t i = 0; i < a; ++i)
      for (int64_t j = 0; j < b; ++j)
        std::copy_n(x.data() + ((n * a + i) * b + j) * c, c, y.data() + ((n * b + j) * a + i) * c);
  return y;
}

std::string joined(const std::vector<double>& values) { return fmt::format("{}", fmt::join(values, ",")); }

class InputSuspects {
 public:
  InputSuspects(const Setup& setup, bool pictures)
      : how_(setup.preprocess), turned_(setup.orientation == image::Orientation::apply), pictures_(pictures) {}

  std::vector<Suspect> suspects() {
    if (pictures_) {
      add_preprocessing();
      add_libraries();
    } else {
      add_normalisations();
    }
    add_channels();
    add_axes();
    return std::move(suspects_);
  }

 private:
  void add_edit(const std::string& group, const std::string& name, const std::string& advice,
                std::function<Tensor(const Tensor&)> edit) {
    suspects_.push_back({group, name, advice, [edit = std::move(edit)](Setup& setup) { setup.edits.push_back(edit); }});
  }

  void add_normalisations() {
    const std::vector<Normalisation> known = normalisations(how_.channels);
    for (const Normalisation& from : known) {
      for (const Normalisation& to : known) {
        if (&from == &to) continue;
        add_edit("normalisation", to.name + " in place of " + from.name,
                 "the original takes pictures normalised to " + to.name + "; this input has " + from.name,
                 [from, to](const Tensor& x) { return renormalised(x, from, to); });
      }
    }
  }

  void add_channels() {
    if (how_.channels != 3) return;
    const char* advice = "the original takes blue before red; exchange the channels";
    if (pictures_) {
      suspects_.push_back({"channels", "BGR in place of RGB", advice, [](Setup& setup) { setup.bgr = true; }});
      return;
    }
    add_edit("channels", "BGR in place of RGB", advice, reversed);
    const Normalisation imagenet = normalisations(3)[3], plain = normalisations(3)[1];
    add_edit("channels", "BGR in place of RGB before ImageNet's mean and std", advice, [=](const Tensor& x) {
      return renormalised(reversed(renormalised(x, imagenet, plain)), plain, imagenet);
    });
  }

  void add_axes() {
    const int64_t H = how_.height, W = how_.width, C = how_.channels;
    if (H == W && H > 1)
      add_edit("axes", "rows and columns exchanged", "the original's pictures are transposed: height and width",
               [=](const Tensor& x) { return exchanged(x, H, W, C); });
    // x was taken for (B, C, H, W); its memory read as (B, H, W, C), or the other way round.
    if (C > 1 && !pictures_) {
      add_edit("axes", "input reshaped, not transposed, to channels first",
               "the input's values lie as (B, H, W, C) under a shape of (B, C, H, W)",
               [=](const Tensor& x) { return exchanged(x, H * W, C, 1); });
      add_edit("axes", "input reshaped, not transposed, to channels last",
               "the input's values lie as (B, C, H, W) under a shape of (B, H, W, C)",
               [=](const Tensor& x) { return exchanged(x, C, H * W, 1); });
    }
  }

  // A change of how pictures are prepared, with the options that say it.
  void add_preprocess(const std::string& group, const std::string& name, const std::string& meaning,
                      const std::vector<std::pair<std::string, std::string>>& values,
                      const std::function<void(image::Preprocess&)>& change) {
    image::Preprocess changed = how_;
    change(changed);
    if (changed == how_) return;
    std::string advice = meaning + ":";
    for (const auto& [key, value] : values) advice += " --preprocess " + key + "=" + value;
    suspects_.push_back({group, name, advice, [change](Setup& setup) { change(setup.preprocess); }});
  }

  // All of what the models of a library usually have; behind the single changes, which it covers.
  void add_libraries() {
    for (const char* library : {"timm", "torchvision", "hf", "jax"}) {
      const image::Preprocess usual = image::usual_preprocess(library, "vit", how_.height, how_.width, how_.channels);
      add_preprocess("library", std::string("pictures prepared as usual in ") + library,
                     "the original prepares pictures as " + std::string(library) + " usually does", differences(usual),
                     [usual](image::Preprocess& how) { how = usual; });
    }
  }

  // The keys of a preprocessing that are otherwise here.
  std::vector<std::pair<std::string, std::string>> differences(const image::Preprocess& usual) const {
    const auto as_json = [](image::Preprocess how) {
      Options options;
      how.visit(options);
      return nlohmann::ordered_json::parse(options.to_json());
    };
    const auto ours = as_json(how_), theirs = as_json(usual);
    std::vector<std::pair<std::string, std::string>> different;
    for (const auto& [key, value] : theirs.items()) {
      if (value == ours[key]) continue;
      std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
      different.emplace_back(key, text);
    }
    return different;
  }

  void add_preprocessing() {
    for (const char* filter : {"bilinear", "bicubic", "lanczos", "nearest", "box", "hamming"})
      add_preprocess("filter", std::string("interpolation=") + filter, "the original resizes with another filter",
                     {{"interpolation", filter}}, [=](image::Preprocess& how) { how.interpolation = filter; });
    for (const char* pillow : {"13", "9.4"})
      add_preprocess("pillow", std::string("pillow=") + pillow, "the original has another Pillow", {{"pillow", pillow}},
                     [=](image::Preprocess& how) { how.pillow = pillow; });
    for (const char* mode : {"center", "squash", "border"})
      for (const char* pct : {"0.875", "0.9", "0.95", "1"}) {
        const auto change = [=](image::Preprocess& how) {
          how.crop_mode = mode;
          how.crop_pct = std::stod(pct);
          how.resize_height = how.resize_width = 0;
        };
        add_preprocess("crop", fmt::format("crop_mode={} crop_pct={}", mode, pct),
                       "the original resizes to another size before the crop", {{"crop_mode", mode}, {"crop_pct", pct}},
                       change);
      }
    add_preprocess("floor", fmt::format("floor_crop={}", !how_.floor_crop),
                   "the original rounds the crop's offset another way",
                   {{"floor_crop", how_.floor_crop ? "false" : "true"}},
                   [](image::Preprocess& how) { how.floor_crop = !how.floor_crop; });
    for (const Normalisation& other : normalisations(how_.channels))
      add_preprocess("normalisation", other.name, "the original normalises pictures to " + other.name,
                     {{"mean", joined(other.mean)}, {"std", joined(other.std)}}, [other](image::Preprocess& how) {
                       how.mean = other.mean;
                       how.std = other.std;
                     });
    if (turned_)
      suspects_.push_back({"orientation", "EXIF orientation ignored",
                           "the original takes pictures as they are stored, and here they are turned: --no-exif",
                           [](Setup& setup) { setup.orientation = image::Orientation::ignore; }});
  }

  const image::Preprocess how_;
  const bool turned_, pictures_;
  std::vector<Suspect> suspects_;
};

}  // namespace

std::vector<Suspect> suspects_of_input(const Setup& setup, bool pictures) {
  return InputSuspects(setup, pictures).suspects();
}

}  // namespace tessera::parity
