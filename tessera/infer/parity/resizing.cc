#include "tessera/infer/parity/suspects.h"
#include "tessera/weights/resize.h"

namespace tessera::parity {
namespace {

// What may be resized, by its option and a part of the parameters' names.
struct Kind {
  const char* option;
  const char* parameters;
  std::vector<std::string> ways;
  std::string weights::FillOptions::*way;
};

// The parameters of that kind which had another size in the file.
std::map<std::string, Tensor> resized(const weights::LoadedModel& loaded, const Kind& kind) {
  std::map<std::string, Tensor> found;
  for (const nn::Parameter& parameter : loaded.model->parameters())
    for (const weights::Fate& fate : loaded.account.loaded)
      if (fate.parameter == parameter.name && fate.how.starts_with("resized") &&
          parameter.name.find(kind.parameters) != std::string::npos)
        found[parameter.name] = *parameter.tensor;
  return found;
}

}  // namespace

std::vector<Suspect> suspects_of_resizing(
    const std::function<weights::LoadedModel(const std::function<void(weights::FillOptions&)>& change)>& load) {
  const Kind kinds[] = {{"positions", "pos_embed", weights::position_resize_names(), &weights::FillOptions::positions},
                        {"relative", "rel_pos", weights::relative_resize_names(), &weights::FillOptions::relative},
                        {"patches", "patch_embed", weights::patch_resize_names(), &weights::FillOptions::patches}};
  std::vector<Suspect> suspects;
  const weights::LoadedModel usual = load([](weights::FillOptions&) {});
  for (const Kind& kind : kinds) {
    if (resized(usual, kind).empty()) continue;
    for (const std::string& way : kind.ways) {
      const auto parameters = resized(load([&](weights::FillOptions& fill) { fill.*kind.way = way; }), kind);
      suspects.push_back({.group = kind.option,
                          .name = fmt::format("{} resized as {}", kind.option, way),
                          .advice = fmt::format("the original resizes {} to this size of pictures another way: --{} {}",
                                                parameters.begin()->first, kind.option, way),
                          .change = [parameters](Setup& setup) {
                            for (const auto& [name, tensor] : parameters)
                              if (setup.parameters.count(name)) setup.parameters[name] = tensor;
                          }});
    }
  }
  return suspects;
}

}  // namespace tessera::parity
