#include "tessera/weights/export.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tessera/core/error.h"
#include "tessera/models/swin.h"
#include "tessera/weights/origin.h"
#include "tessera/weights/rearrange.h"

namespace tessera::weights {
namespace {

using Json = nlohmann::ordered_json;

Json value_of(const std::string& text) {
  const Json value = Json::parse(text, nullptr, false);
  return value.is_discarded() ? Json(text) : value;
}

void require_fixed(const Json& architecture, const Origin& origin, const std::string& name) {
  for (const auto& [key, text] : origin.fixed) {
    const Json theirs = value_of(text);
    TESSERA_CHECK(!architecture.contains(key) || architecture[key] == theirs,
                  "models of {} always have {} {}, but this one has {}; write it as tessera's", name, key,
                  theirs.dump(), architecture[key].dump());
  }
}

// The part of `parameter` that the rule's array is, with its axes as the file has them.
formats::Array array_of(const Tensor& parameter, const Rule& rule, const Extents& extents) {
  std::vector<int64_t> shape(parameter.shape().extents().begin(), parameter.shape().extents().end());
  shape[0] /= rule.part.of;
  const Shape part(shape);
  const auto elements = static_cast<size_t>(part.numel());
  const std::span<const float> values =
      parameter.span().subspan(static_cast<size_t>(rule.part.index) * elements, elements);
  const Rearrange back = Rearrange(rule.rearrange).inverse();
  if (back.is_identity()) return formats::view_of(values, part);
  std::vector<float> rearranged(elements);
  back.apply(std::as_bytes(values), part, rearranged, extents);
  return formats::array_of(std::move(rearranged), back.result(part, extents));
}

}  // namespace

const Origin& written_as(const std::string& library, const models::Model& model) {
  const std::string family = Json::parse(model.architecture()).value("family", "");
  const std::string own = library + "-" + family;
  if (origins().contains(own)) return origins().at(own);
  const Origin& origin = origins().at(library);
  TESSERA_CHECK(origin.families.empty() || std::ranges::count(origin.families, family) > 0,
                "{} has no models of the family {}; write it as tessera's", library, family);
  return origin;
}

formats::NamedArrays exported(models::Model& model, const std::string& name) {
  const Origin& origin = written_as(name, model);
  const Json architecture = Json::parse(model.architecture());
  require_fixed(architecture, origin, name);
  Extents extents = {{"u", 1}, {"v", 1}};  // axes of one, of a convolution that is a linear layer
  for (const auto& [axis, key] : {std::pair{"h", "num_heads"}, {"y", "pool_size"}, {"x", "pool_size"}})
    if (architecture.contains(key) && architecture[key].is_number()) extents[axis] = architecture[key].get<int64_t>();
  formats::NamedArrays arrays;
  for (const nn::Parameter& parameter : model.state()) {
    const Tensor& tensor = *parameter.tensor;
    TESSERA_CHECK(!tensor.is_quantised(),
                  "the parameter '{}' is quantised, for which {} has no form; convert the model "
                  "that it was made of",
                  parameter.name, name);
    if (origin.rules.empty())
      arrays.emplace_back(parameter.name, formats::view_of<float>(tensor.span(), tensor.shape()));
    bool found = origin.rules.empty();
    for (const Rule& rule : origin.rules) {
      const std::optional<Captures> captures = rule.old ? std::nullopt : match(rule.to, parameter.name);
      if (!captures) continue;
      arrays.emplace_back(filled(rule.from, *captures), array_of(tensor, rule, extents));
      found = true;
    }
    TESSERA_CHECK(found, "models of {} have no place for the parameter '{}'; write it as tessera's", name,
                  parameter.name);
  }
  return arrays;
}

namespace {

// Whether windows divide every map of a Swin Transformer, so that all libraries compute the same.
bool windows_fit(Json swin) {
  swin.erase("family");
  models::SwinConfig config;
  Options options;
  config.visit(options);
  options.from_json(swin.dump(), "the architecture");
  config.complete(options);
  for (int64_t stage = 0; stage < config.stages(); ++stage) {
    const ops::WindowGrid grid = config.grid(stage, 0);
    const auto [h, w] = grid.window;
    if (grid.H % h != 0 || grid.W % w != 0 || (grid.H == h) != (grid.W == w)) return false;
  }
  return true;
}

// What a library's model of this family is like unless it is told otherwise.
Json usual(const Json& ours) {
  Json theirs = {{"act", "gelu_erf"}};
  if (ours["family"] == "vit") theirs["norm_eps"] = 1e-6;
  if (ours["family"] == "swin" || ours["family"] == "convmixer") theirs["norm_eps"] = 1e-5;
  if (ours["family"] == "efficientnet") theirs["norm_eps"] = ours["width_mult"] >= 1.6 ? 1e-3 : 1e-5;  // from B5 on
  if (ours["family"] == "googlenet") theirs["transform_input"] = false;
  if (ours.value("backbone", "none") != "none")
    theirs.update({{"backbone_norm_eps", 1e-5}, {"weight_std", "variance"}, {"weight_std_eps", 1e-8}});
  return theirs;
}

}  // namespace

std::string difference(const models::Model& model, const std::string& name) {
  const Origin& origin = written_as(name, model);
  const Json ours = Json::parse(model.architecture());
  Json theirs = Json::object();
  if (!origin.write_config) theirs = usual(ours);  // else the config says it
  if (ours["family"] == "swin" && !windows_fit(ours)) theirs["edges"] = "timm";
  const auto family = origin.of_family.find(ours["family"]);
  for (const auto& settings :
       {origin.architecture, family == origin.of_family.end() ? models::Settings() : family->second})
    for (const auto& [key, text] : settings)
      if (theirs.contains(key)) theirs[key] = value_of(text);
  std::string text;
  for (const auto& [key, value] : theirs.items()) {
    if (!ours.contains(key) || ours[key] == value) continue;
    text += fmt::format("{}{} is {} here and {} there", text.empty() ? "" : ", ", key, ours[key].dump(), value.dump());
  }
  return text;
}

}  // namespace tessera::weights
