#include "tessera/weights/origins/huggingface_config.h"

#include <algorithm>

#include "tessera/core/error.h"

namespace tessera::weights::huggingface {
namespace {

// transformers' names of activations, and ours.
const std::pair<const char*, const char*> kActivations[] = {{"gelu", "gelu_erf"},
                                                            {"gelu_pytorch_tanh", "gelu_tanh"},
                                                            {"gelu_new", "gelu_tanh"},
                                                            {"gelu_fast", "gelu_tanh"},
                                                            {"relu", "relu"}};

std::string our_activation(const std::string& theirs, const std::string& where) {
  for (const auto& [their, our] : kActivations)
    if (theirs == their) return our;
  fail("{}: hidden_act '{}' is an activation that tessera does not have", where, theirs);
}

}  // namespace

Json parse(const std::string& text, const std::vector<std::string>& types, const std::string& where) {
  const Json json = Json::parse(text, nullptr, false);
  TESSERA_CHECK(json.is_object(), "{}: not JSON, or damaged; get it again", where);
  const std::string type = json.value("model_type", types.front());
  TESSERA_CHECK(std::find(types.begin(), types.end(), type) != types.end(),
                "{}: model_type '{}' is a model that tessera does not have", where, type);
  return json;
}

int64_t number(const Json& json, const char* key, int64_t standard, const std::string& where) {
  const Json value = json.value(key, Json(standard));
  TESSERA_CHECK(value.is_number_integer() && value > 0 && value < 1'000'000'000,
                "{}: {} must be a whole number, not {}", where, key, value.dump());
  return value.get<int64_t>();
}

std::vector<std::string> read_classes(const Json& json) {
  std::vector<std::string> names;
  const auto labels = json.find("id2label");
  if (labels == json.end() || !labels->is_object()) return names;
  for (size_t i = 0; i < labels->size(); ++i) {
    const auto label = labels->find(std::to_string(i));
    if (label == labels->end() || !label->is_string()) return {};
    names.push_back(label->get<std::string>());
  }
  return names;
}

Config read(const Json& json, const std::vector<Key>& keys, const std::string& where) {
  Config config;
  for (const Key& key : keys) {
    config.architecture.emplace_back(key.ours, json.value(key.theirs, key.standard).dump());
    config.called[key.ours] = key.theirs;
  }
  config.architecture.emplace_back("act", our_activation(json.value("hidden_act", "gelu"), where));
  config.classes = read_classes(json);
  return config;
}

void write(Json& theirs, const Json& ours, const std::vector<Key>& keys, const std::vector<std::string>& classes,
           const char* model) {
  for (const Key& key : keys) {
    Json value = ours[key.ours];
    if (!key.standard.is_array() && value.is_array() && !value.empty() &&
        std::all_of(value.begin(), value.end(), [&](const Json& x) { return x == value[0]; }))
      value = value[0];
    theirs[key.theirs] = value;
  }
  for (const auto& [their, our] : kActivations) {
    if (ours["act"] != our) continue;
    theirs["hidden_act"] = their;
    break;
  }
  TESSERA_CHECK(theirs.contains("hidden_act"), "Hugging Face's {} has no activation '{}'", model,
                ours["act"].get<std::string>());
  theirs["hidden_dropout_prob"] = theirs["attention_probs_dropout_prob"] = 0.0;
  write_classes(theirs, ours["num_classes"], classes);
}

void write_classes(Json& theirs, int64_t K, const std::vector<std::string>& classes) {
  theirs["id2label"] = theirs["label2id"] = Json::object();
  for (int64_t i = 0; i < K; ++i) {
    const std::string name = classes.empty() ? "LABEL_" + std::to_string(i) : classes[static_cast<size_t>(i)];
    theirs["id2label"][std::to_string(i)] = name;
    theirs["label2id"][name] = i;
  }
}

}  // namespace tessera::weights::huggingface
