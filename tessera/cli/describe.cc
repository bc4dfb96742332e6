#include "tessera/cli/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "tessera/cli/model_choice.h"
#include "tessera/cli/output.h"
#include "tessera/core/error.h"
#include "tessera/core/text.h"
#include "tessera/formats/safetensors.h"
#include "tessera/infer/classifier.h"
#include "tessera/models/registry.h"
#include "tessera/text/vocabulary.h"

namespace tessera::cli {
namespace {

using Json = nlohmann::ordered_json;

// "[14,14,768]"
std::string bracketed(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape.extents(), ",")); }

std::string one_line(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// A JSON object as lines "key = value", what lies inside indented below its key.
void print_entries(const Json& object, size_t indent) {
  const std::string margin(indent, ' ');
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      print("{}{}:\n", margin, key);
      print_entries(value, indent + 2);
    } else if (value.is_array() && !value.empty() && value.front().is_object()) {
      print("{}{}:\n", margin, key);
      for (const Json& entry : value) print("{}  {}\n", margin, one_line(entry));
    } else {
      print("{}{} = {}\n", margin, key, one_line(value));
    }
  }
}

std::string first_of(const std::vector<std::string>& names) {
  constexpr size_t kShown = 10;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(kShown, names.size()));
  return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), names.size() > kShown ? ", …" : "");
}

// The state of a training run: train/checkpoint.h says what it holds.
void describe_checkpoint(const std::filesystem::path& path, const std::string& state) {
  const Json run = Json::parse(state, nullptr, false);
  TESSERA_CHECK(run.is_object() && run.contains("architecture"), "{}: the state of its run is damaged", path.string());
  print("{}: a checkpoint, the state of a training run; tessera train … --resume goes on with it\n", path.string());
  print_model(*models::build(run["architecture"].dump()));
  if (run.contains("step")) print("  steps done     {}\n", one_line(run["step"]));
  if (run.contains("seconds") && run["seconds"].is_number())
    print("  trained for    {}\n", format_duration(run["seconds"].get<double>()));
  if (run.contains("finished")) print("  finished       {}\n", one_line(run["finished"]));
  for (const auto& [key, heading] : {std::pair{"best", "Best validation"}, std::pair{"options", "Options"},
                                     std::pair{"architecture", "Architecture"}})
    if (run.contains(key)) print_object(heading, run[key].dump());
}

// How a model file has its input prepared.
std::string preparation(const weights::LoadedModel& loaded) {
  if (loaded.info.preprocess.empty()) return "not known";
  if (loaded.model->input().any()) return describe(infer::preprocess_of(loaded));
  try {
    return fmt::format("a vocabulary of {} words", text::Vocabulary::from_json(loaded.info.preprocess).size());
  } catch (const Error& error) {
    fail("{}: {}", loaded.file.string(), error.what());
  }
}

}  // namespace

std::string describe(const image::Preprocess& how) {
  const auto side = [&](int64_t given, int64_t input) {
    return given ? given : static_cast<int64_t>(static_cast<double>(input) / how.crop_pct);
  };
  const int64_t height = side(how.resize_height, how.height), width = side(how.resize_width, how.width);
  const std::string size = height == width ? fmt::format("{}", height) : fmt::format("{}x{}", height, width);
  const std::string resize = how.crop_mode == "center"   ? fmt::format("shorter side to {}", size)
                             : how.crop_mode == "border" ? fmt::format("longer side to {}", size)
                                                         : fmt::format("both sides to {}", size);
  return fmt::format("{} ({}), centre crop {}x{} {}, mean {}, std {}", resize, how.interpolation, how.height, how.width,
                     how.channels == 1 ? "gray" : "RGB", fmt::join(how.mean, ","), fmt::join(how.std, ","));
}

std::string cut_off(const models::Model& model) {
  const Json architecture = Json::parse(model.architecture());
  if (!architecture.contains("patch_size")) return "";
  const auto side = [&](const char* key, size_t axis) {
    const Json& sides = architecture[key];
    return (sides.is_array() ? sides[axis] : sides).get<int64_t>();
  };
  const auto rest = [&](size_t axis) { return side("img_size", axis) % side("patch_size", axis); };
  if (rest(0) == 0 && rest(1) == 0) return "";
  return fmt::format("the last {} rows and {} columns of a picture fill no patch and are cut off", rest(0), rest(1));
}

void print_model(models::Model& model) {
  const models::PictureSize input = model.input();
  if (input.any()) {
    print("  picture        {}x{}x{}\n", input.height, input.width, input.channels);
  } else {
    print("  sentence       up to {} words\n", model.shapes().front().shape[0]);
  }
  print("  classes        {}\n  parameters     {}\n  operations     {} multiply-accumulates a {}\n",
        model.num_classes(), grouped(model.num_parameters()), grouped(model.macs()),
        input.any() ? "picture" : "sentence");
  if (const std::string note = cut_off(model); !note.empty()) print("  note           {}\n", note);
}

void print_shapes(models::Model& model) {
  const std::vector<models::ShapeStep> steps = model.shapes();
  std::string way;
  Table table({"step", "shape", "parameters", "operations"}, "llrr");
  for (size_t i = 0; i < steps.size(); ++i) {
    const models::ShapeStep& step = steps[i];
    if (i == 0 || step.shape != steps[i - 1].shape) way += (i ? " -> " : "") + bracketed(step.shape);
    table.add({step.what, bracketed(step.shape), step.parameters ? grouped(step.parameters) : "",
               step.macs ? grouped(step.macs) : ""});
  }
  table.add({"all", "", grouped(model.num_parameters()), grouped(model.macs())});
  print("\n{}\n\n{}", way, table.text());
}

void print_object(const char* heading, const std::string& json) {
  const Json object = Json::parse(json, nullptr, false);
  if (!object.is_object() || object.empty()) return;
  print("\n{}:\n", heading);
  print_entries(object, 2);
}

void print_findings(models::Model& model) {
  for (const nn::Parameter& parameter : model.state()) {
    const Tensor& x = *parameter.tensor;
    const auto values = (x.is_quantised() ? x.row_scales() : x).span();
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
      print("  warning        {} holds NaN or infinite values\n", formats::in_quotes(parameter.name));
  }
}

void describe_model(const std::filesystem::path& path, const weights::LoadOptions& options, bool shapes) {
  const formats::SafeTensors file = formats::read_safetensors(path);
  if (const auto run = file.metadata.find("tessera.run"); run != file.metadata.end())
    return describe_checkpoint(path, run->second);
  weights::LoadedModel loaded = weights::load_model(path, options);
  const std::string training = loaded.info.training, quantization = loaded.info.quantization;
  const std::vector<std::string> class_names = loaded.info.class_names;
  models::Model& model = *loaded.model;
  const std::string architecture = model.architecture();
  const std::vector<std::string> notes = remarks(loaded.account);
  const std::string prepared = preparation(loaded);
  std::optional<infer::Classifier> classifier;
  if (model.input().any()) classifier = infer::Classifier::from(std::move(loaded));  // refuses what contradicts itself

  print("{}: a tessera model\n", path.string());
  print_model(model);
  if (!class_names.empty()) print("  class names    {}\n", first_of(class_names));
  print("  preprocessing  {}\n", prepared);
  print_findings(model);
  for (const std::string& note : notes) print("  note           {}\n", note);
  if (shapes) print_shapes(model);
  print_object("Architecture", architecture);
  print_object("Training", training);
  print_object("Quantization", quantization);
}

}  // namespace tessera::cli
