// What the config.json files of Hugging Face's models have in common.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tessera/weights/origin.h"

namespace tessera::weights::huggingface {

using Json = nlohmann::ordered_json;

// A key of transformers' configuration class and of an architecture, with what the class takes where the file is
// silent.
struct Key {
  const char *theirs, *ours;
  Json standard;
};

// The text of a config.json of one of these model types; silent ones are of the first. Errors begin with `where`.
Json parse(const std::string& text, const std::vector<std::string>& types, const std::string& where);
int64_t number(const Json& json, const char* key, int64_t standard, const std::string& where);
// The keys, hidden_act and the names of the classes.
Config read(const Json& json, const std::vector<Key>& keys, const std::string& where);
// "id2label": {"0": "tench", …}; none where they are no full list.
std::vector<std::string> read_classes(const Json& json);

// Adds the same to a config.json. `model`: what transformers calls the kind of model, for errors.
void write(Json& theirs, const Json& ours, const std::vector<Key>& keys, const std::vector<std::string>& classes,
           const char* model);
// K classes; those without a name are numbered.
void write_classes(Json& theirs, int64_t K, const std::vector<std::string>& classes);

}  // namespace tessera::weights::huggingface
