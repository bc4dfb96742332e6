#include "tessera/train/checkpoint.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/core/file.h"
#include "tessera/formats/safetensors.h"
#include "tessera/formats/tensor.h"
#include "tessera/train/clip.h"
#include "tessera/train/difference.h"

namespace tessera::train {

namespace {

using nlohmann::json;

constexpr int kVersion = 2;
constexpr const char* kKey = "tessera.run";

json to_json(const Plan& plan) {
  json list = json::array();
  for (const Decision& decision : plan.decisions())
    list.push_back({{"name", "total_steps"}, {"step", decision.step}, {"value", decision.total}});
  return list;
}

Plan plan_from(const json& list) {
  Plan plan;
  for (const json& item : list) plan.decide({item.at("step"), item.at("value")});
  return plan;
}

json to_json(const Validation& validation) {
  return {{"step", validation.step}, {"accuracy", validation.accuracy}, {"loss", validation.loss}};
}

Validation validation_from(const json& validation) {
  return {validation.at("step"), validation.at("accuracy"), validation.at("loss")};
}

json to_json(const RunState& state) {
  json result = {{"step", state.step},
                 {"seconds", state.seconds},
                 {"decisions", to_json(state.plan)},
                 {"pace",
                  {{"step", state.pace.step},
                   {"fastest", state.pace.fastest},
                   {"evaluation", state.pace.evaluation},
                   {"steps", state.pace.steps}}},
                 {"without_progress", state.without_progress},
                 {"threads", state.threads},
                 {"stopped_early", state.stopped_early},
                 {"finished", state.finished}};
  if (state.last) result["last"] = to_json(*state.last);
  if (state.best) result["best"] = to_json(*state.best);
  return result;
}

RunState state_from(const json& run) {
  RunState state;
  state.step = run.at("step");
  state.seconds = run.at("seconds");
  state.plan = plan_from(run.at("decisions"));
  const json& pace = run.at("pace");
  state.pace = {pace.at("step"), pace.at("fastest"), pace.at("evaluation"), pace.at("steps")};
  state.without_progress = run.at("without_progress");
  state.threads = run.at("threads");
  state.stopped_early = run.at("stopped_early");
  state.finished = run.at("finished");
  if (run.contains("last")) state.last = validation_from(run["last"]);
  if (run.contains("best")) state.best = validation_from(run["best"]);
  return state;
}

void check_same(const std::filesystem::path& path, const json& run, const char* part, const std::string& here,
                const char* message) {
  const std::string differs = difference(run.at(part).dump(), here);
  TESSERA_CHECK(differs.empty(), "{}: {}: {}; train into another folder, or start as that run was started",
                path.string(), message, differs);
}

// Every array of a checkpoint with the tensor it belongs to, in the order of the file.
std::vector<std::pair<std::string, Tensor>> tensors_of(Learner& learner) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const nn::Parameter& parameter : learner.model().state())
    tensors.emplace_back("model/" + parameter.name, parameter.tensor->detach());
  const auto add_flat = [&](const std::string& prefix, const Tensor& flat, const auto& slices) {
    for (const FlatParameters::Slice& slice : slices)
      tensors.emplace_back(prefix + "/" + slice.name, FlatParameters::view(flat, slice));
  };
  for (const auto& [name, flat] : learner.optimizer().state()) add_flat(name, flat, learner.parameters().slices());
  if (learner.has_ema()) {
    add_flat("ema", learner.average(), learner.parameters().slices());
    add_flat("ema", learner.average(), learner.parameters().statistics());
  }
  return tensors;
}

json run_of(const std::filesystem::path& path, const formats::Metadata& metadata) {
  const auto found = metadata.find(kKey);
  TESSERA_CHECK(found != metadata.end(), "{}: this is no checkpoint of a run; a model file is used with --model",
                path.string());
  json run = json::parse(found->second, nullptr, false);
  TESSERA_CHECK(run.is_object() && run.value("version", 0) == kVersion,
                "{}: a checkpoint of another version of tessera: go on with that one", path.string());
  return run;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, const RunState& state,
                     Learner& learner) {
  TESSERA_CHECK(std::isfinite(global_norm(learner.parameters().values())),
                "the weights became infinite or NaN at step {}: training stopped; {} keeps what it held before; try a "
                "lower lr, a longer warmup or a smaller clip",
                state.step, path.string());
  json run = to_json(state);
  run["version"] = kVersion;
  run["architecture"] = json::parse(identity.architecture);
  run["options"] = json::parse(identity.options);
  run["data"] = json::parse(identity.data);
  run["teacher"] = json::parse(identity.teacher);
  formats::NamedArrays arrays;
  for (const auto& [name, tensor] : tensors_of(learner)) arrays.emplace_back(name, formats::array_of(tensor));
  formats::write_safetensors(path, arrays, {{kKey, run.dump()}});
}

RunState load_checkpoint(const std::filesystem::path& path, const RunIdentity& identity, Learner& learner) {
  const formats::SafeTensors file = formats::read_safetensors(path);
  const json run = run_of(path, file.metadata);
  try {
    check_same(path, run, "architecture", identity.architecture, "a checkpoint of another model");
    check_same(path, run, "options", identity.options, "a checkpoint of a run with other options");
    check_same(path, run, "data", identity.data, "a checkpoint of a run on other data");
    check_same(path, run, "teacher", identity.teacher, "a checkpoint of a run with another teacher");
    RunState state = state_from(run);
    const auto tensors = tensors_of(learner);
    for (const auto& [name, tensor] : tensors) {
      const formats::Array* array = formats::find(file.arrays, name);
      TESSERA_CHECK(array && array->shape == tensor.shape() && array->type == formats::FileType::F32,
                    "{}: a damaged checkpoint: '{}' is missing or not f32 {}", path.string(), name,
                    to_string(tensor.shape()));
    }
    for (const auto& [name, tensor] : tensors) formats::copy_to_f32(formats::at(file.arrays, name), tensor.span());
    learner.optimizer().set_steps(state.step);
    return state;
  } catch (const json::exception& e) {
    fail("{}: a damaged checkpoint: {}", path.string(), e.what());
  }
}

std::string stored_option(const std::filesystem::path& path, const std::string& name) {
  const json run = run_of(path, formats::read_safetensors(path).metadata);
  const json options = run.value("options", json::object());
  return options.contains(name) && options[name].is_string() ? options[name] : "";
}

void save_decisions(const std::filesystem::path& path, const Plan& plan) {
  write_atomically(path, json{{"decisions", to_json(plan)}}.dump(2) + "\n");
}

Plan load_decisions(const std::filesystem::path& path) {
  try {
    return plan_from(json::parse(read_text(path)).at("decisions"));
  } catch (const json::exception& e) {
    fail("{}: these are no decisions of a run: {}", path.string(), e.what());
  }
}

}  // namespace tessera::train
